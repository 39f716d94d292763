package cardvalue

import "github.com/posim/posim/internal/crypt"

// A PAN of a CVV: the algorithm's 32 digits would take more, but no scheme issues them.
const minCVVPAN = 13

// CVV computes a card verification value of three digits, in ASCII. k is the pair CVK A and B: the algorithm (a DES block
// under A, then A-B-A) is the retail MAC of the digits. expiry is as the value's user writes it: YYMM on a stripe,
// commonly MMYY for a CVV2. The service code tells the values of a card apart: the stripe's own for the CVV, 000 for the
// CVV2, 999 for the iCVV. ErrInput for a PAN of other than 13 to 19 digits, an expiry of other than 4 and a service code
// of other than 3.
func CVV(w *Work, k *crypt.RetailMAC, pan, expiry, serviceCode []byte) (v [3]byte, err error) {
	if err := checkCVV(pan, expiry, serviceCode); err != nil {
		return v, err
	}
	defer w.wipe()
	w.pack(pan, expiry, serviceCode) // zeros behind
	k.Sum(&w.out, w.in[:])
	w.decimalise(v[:])
	return v, nil
}

// DCVV computes Visa's dynamic CVV of a contactless transaction with magnetic stripe data: a CVV under the card's own key
// (EMV option A, from the caller) where the transaction counter, four decimal digits as the track carries them, stands in
// place of the PAN's first four. ErrInput as for CVV, and for a counter of other than 4 digits.
func DCVV(w *Work, k *crypt.RetailMAC, pan, atc, expiry, serviceCode []byte) (v [3]byte, err error) {
	if err := checkCVV(pan, expiry, serviceCode); err != nil {
		return v, err
	}
	if err := checkDigits("transaction counter", atc, 4, 4); err != nil {
		return v, err
	}
	defer w.wipe()
	w.pack(atc, pan[4:], expiry, serviceCode)
	k.Sum(&w.out, w.in[:])
	w.decimalise(v[:])
	return v, nil
}

func checkCVV(pan, expiry, serviceCode []byte) error {
	if err := checkDigits("PAN", pan, minCVVPAN, maxPAN); err != nil {
		return err
	}
	if err := checkDigits("expiry", expiry, 4, 4); err != nil {
		return err
	}
	return checkDigits("service code", serviceCode, 3, 3)
}
