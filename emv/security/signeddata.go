package security

import "fmt"

// SignedStaticData is what signed static application data (tag 93) say (Book 2, table 7).
type SignedStaticData struct {
	HashAlgorithm          byte
	DataAuthenticationCode [2]byte // tag 9F45
	Hash                   [20]byte
}

// RecoverStaticData checks signed static application data (tag 93) under the issuer's key (Book 2, 5.4). static is the
// static data to be authenticated, as for RecoverICCKey. What the block says is returned even beside an error if it could
// be opened; a hash that differs is ErrHash.
func (a *Arithmetic) RecoverStaticData(issuer *PublicKey, signed, static []byte) (d SignedStaticData, err error) {
	o, err := a.open(issuer, signed, formatStatic)
	if err != nil {
		return d, fmt.Errorf("%s: %w", staticName, err)
	}
	d = SignedStaticData{HashAlgorithm: o.data[1], DataAuthenticationCode: [2]byte(o.data[2:]), Hash: o.hash}
	if err := a.checkSigned(&o, d.HashAlgorithm, o.data[4:], static); err != nil {
		return d, fmt.Errorf("%s: %w", staticName, err)
	}
	return d, nil
}

func (a *Arithmetic) checkSigned(o *opened, algorithm byte, padding, more []byte) error {
	if algorithm != hashSHA1 {
		return fmt.Errorf("hash algorithm %02X: want %02X", algorithm, hashSHA1)
	}
	if err := checkPadding(padding); err != nil {
		return err
	}
	if a.digest(o.data, more) != o.hash {
		return errHash
	}
	return nil
}

// DynamicData is what signed dynamic application data (tag 9F4B) say (Book 2, table 17, and 6.6.2, table 22).
type DynamicData struct {
	HashAlgorithm byte
	Data          []byte // ICC dynamic data, LDD bytes; a part of the Arithmetic, valid until it is used again
	Hash          [20]byte
}

// dynamicHead is what stands in front of the ICC dynamic data: format, hash algorithm and their length.
const dynamicHead = 3

// RecoverDynamicData checks signed dynamic application data (tag 9F4B) under the card's key (Book 2, 6.5.2 and 6.6.2).
// terminalData is what the DDOL gathered, or under CDA the unpredictable number alone. What the block says is returned
// even beside an error if it could be opened; a hash that differs is ErrHash.
func (a *Arithmetic) RecoverDynamicData(icc *PublicKey, signed, terminalData []byte) (d DynamicData, err error) {
	o, err := a.open(icc, signed, formatDynamic)
	if err != nil {
		return d, fmt.Errorf("%s: %w", dynamicName, err)
	}
	d = DynamicData{HashAlgorithm: o.data[1], Hash: o.hash}
	length, space := int(o.data[2]), o.data[dynamicHead:]
	if length > len(space) { // 6.5.1: LDD is at most the modulus' length less 25
		return d, fmt.Errorf("%s: ICC dynamic data of %d bytes: want at most %d", dynamicName, length, len(space))
	}
	d.Data = space[:length:length]
	if err := a.checkSigned(&o, d.HashAlgorithm, space[length:], terminalData); err != nil {
		return d, fmt.Errorf("%s: %w", dynamicName, err)
	}
	return d, nil
}

// The ICC dynamic number (tag 9F4C) is 2 to 8 bytes.
const (
	minDynamicNumber = 2
	maxDynamicNumber = 8
)

// Number is the ICC dynamic number (tag 9F4C), a part of Data, which its length and the number begin (Book 2, 6.5.1).
func (d DynamicData) Number() ([]byte, error) {
	if len(d.Data) == 0 {
		return nil, fmt.Errorf("%s: no ICC dynamic data: want the ICC dynamic number", dynamicName)
	}
	n := int(d.Data[0])
	if n < minDynamicNumber || n > maxDynamicNumber {
		return nil, fmt.Errorf("%s: ICC dynamic number of %d bytes: want %d to %d", dynamicName, n, minDynamicNumber, maxDynamicNumber)
	}
	if len(d.Data) < 1+n {
		return nil, fmt.Errorf("%s: ICC dynamic number of %d bytes in ICC dynamic data of %d", dynamicName, n, len(d.Data))
	}
	return d.Data[1 : 1+n], nil
}

// CombinedData is the ICC dynamic data of combined DDA and application cryptogram generation (Book 2, table 19).
type CombinedData struct {
	Number                    []byte // ICC dynamic number, tag 9F4C; a part of DynamicData.Data
	CryptogramInformationData byte   // tag 9F27
	Cryptogram                [8]byte
	TransactionDataHash       [20]byte
}

// Combined takes apart the ICC dynamic data of a CDA signature. Bytes behind those of the table are the scheme's own and
// are ignored, as the book has it ("32-38 leftmost bytes").
func (d DynamicData) Combined() (c CombinedData, err error) {
	if c.Number, err = d.Number(); err != nil {
		return c, err
	}
	rest := d.Data[1+len(c.Number):]
	if len(rest) < 1+8+20 {
		return c, fmt.Errorf("%s: ICC dynamic data of %d bytes: want at least %d for CDA", dynamicName, len(d.Data), 30+len(c.Number))
	}
	c.CryptogramInformationData = rest[0]
	c.Cryptogram, c.TransactionDataHash = [8]byte(rest[1:]), [20]byte(rest[9:])
	return c, nil
}

// AppendCombined appends the ICC dynamic data that Combined takes apart, as a card makes them. A number that is not 2 to 8
// bytes is an error.
func AppendCombined(dst []byte, c CombinedData) ([]byte, error) {
	if n := len(c.Number); n < minDynamicNumber || n > maxDynamicNumber {
		return dst, fmt.Errorf("security: ICC dynamic number of %d bytes: want %d to %d", n, minDynamicNumber, maxDynamicNumber)
	}
	dst = append(append(dst, byte(len(c.Number))), c.Number...)
	dst = append(append(dst, c.CryptogramInformationData), c.Cryptogram[:]...)
	return append(dst, c.TransactionDataHash[:]...), nil
}
