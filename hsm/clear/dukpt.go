package clear

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/posim/posim/internal/crypt/dukpt"
)

// Reasons of DUKPT, for errors.Is.
var (
	ErrKSN       = dukpt.ErrKSN       // no KSN, or one whose counter has no key
	ErrExhausted = dukpt.ErrExhausted // the last KSN: the device has used all of its keys
	ErrUse       = dukpt.ErrUse       // a working key that the standards do not know
	ErrStale     = errors.New("not newer than the last")
)

// KSN is a key serial number: of TDES DUKPT 10 bytes, of AES DUKPT 12. It is no secret.
type KSN = dukpt.KSN

// ParseKSN reads a key serial number. A shorter one of TDES DUKPT has FF in front.
func ParseKSN(b []byte) (KSN, error) {
	k, err := dukpt.ParseKSN(b)
	return k, inField("ksn", err)
}

// Transactions is how many transactions the device of a KSN has keys for.
func Transactions(k KSN) uint64 { return dukpt.Transactions(k) }

// CheckNewer is what a host asks of a KSN: that its counter has a key, and that it is of the same device as the last one and newer.
// ErrKSN, or ErrStale.
func CheckNewer(k, last KSN) error {
	if err := k.Valid(); err != nil {
		return inField("ksn", err)
	}
	switch {
	case k.Initial() != last.Initial():
		return &Error{"ksn", ErrKSN, "", "the device of the last one"}
	case k.Counter() <= last.Counter():
		return &Error{"ksn", ErrStale, fmt.Sprintf("counter %X", k.Counter()), fmt.Sprintf("more than %X", last.Counter())}
	}
	return nil
}

// NextKSN is the KSN of the device's next transaction, or ErrExhausted.
func NextKSN(k KSN) (KSN, error) {
	next, err := k.Next()
	return next, inField("ksn", err)
}

// InitialKey derives the initial key of a KSN's device from the base derivation key.
func InitialKey(bdk Key, k KSN) (Key, error) {
	a, err := derives("bdk", bdk, k)
	if err != nil {
		return Key{}, err
	}
	var key []byte
	if a == AES {
		key, err = dukpt.InitialKeyAES(bdk.raw(), k.Bytes()[:8])
	} else {
		key, err = dukpt.InitialKeyTDES(bdk.raw(), k)
	}
	if err != nil {
		return Key{}, inField("bdk", err)
	}
	return NewKey(a, key)
}

// derives is the algorithm of a KSN's DUKPT, if it is that of the key.
func derives(field string, k Key, ksn KSN) (Algorithm, error) {
	if ksn.IsZero() {
		return "", &Error{"ksn", ErrLength, "none", "10 bytes (TDES) or 12 (AES)"}
	}
	if ksn.AES() {
		return AES, k.of(field, AES)
	}
	return TDES, k.of(field, TDES)
}

// TransactionKey derives the key of a KSN's transaction from its device's initial key. A counter without a key is ErrKSN. pastLimit
// asks for keys of counters with too many one-bits as well, which no device uses, but a standard has printed.
func TransactionKey(initial Key, k KSN, pastLimit bool) (Key, error) {
	a, err := derives("initial key", initial, k)
	if err != nil {
		return Key{}, err
	}
	derive := dukpt.TransactionKey
	if pastLimit {
		derive = dukpt.TransactionKeyPastLimit
	}
	key, err := derive(initial.raw(), k)
	if err != nil {
		return Key{}, inField("transaction key", err)
	}
	return NewKey(a, key)
}

// uses are the names of what working keys are for.
var uses = map[string]dukpt.Use{
	"pin": dukpt.PIN, "mac-request": dukpt.MACRequest, "mac-response": dukpt.MACResponse, "mac-both": dukpt.MACBoth,
	"data-request": dukpt.DataRequest, "data-response": dukpt.DataResponse, "data-both": dukpt.DataBoth, "key-encryption": dukpt.KeyEncryption,
}

// Uses lists the names of what working keys are for.
func Uses() []string { return slices.Sorted(maps.Keys(uses)) }

// WorkingAlgorithms lists the names of the algorithms of working keys.
func WorkingAlgorithms() (names []string) {
	for a := dukpt.TDES2; a <= dukpt.HMAC256; a++ {
		names = append(names, a.String())
	}
	return names
}

// CheckWorkingAlgorithm tells whether WorkingAlgorithms has a name; an [*Error] if not.
func CheckWorkingAlgorithm(name string) error {
	_, err := workingAlgorithm(name)
	return err
}

func workingAlgorithm(name string) (dukpt.Algorithm, error) {
	a, err := dukpt.ParseAlgorithm(name)
	if err != nil {
		return 0, &Error{"algorithm", ErrName, "", strings.Join(WorkingAlgorithms(), ", ")}
	}
	return a, nil
}

// workingKey makes a key of what was derived for an algorithm of working keys.
func workingKey(a dukpt.Algorithm, key []byte, err error) (Key, error) {
	if err != nil {
		return Key{}, inField("working key", err)
	}
	name := strings.TrimRight(a.String(), "0123456789")
	return NewKey(Algorithm(name), key)
}

// WorkingKey derives the key for one use of a transaction, of an algorithm by its name: "TDES2", "AES128", "HMAC256".
func WorkingKey(txn Key, k KSN, use, algorithm string) (Key, error) {
	if _, err := derives("transaction key", txn, k); err != nil {
		return Key{}, err
	}
	u, known := uses[use]
	if !known {
		return Key{}, &Error{"use", ErrName, "", strings.Join(Uses(), ", ")}
	}
	a, err := workingAlgorithm(algorithm)
	if err != nil {
		return Key{}, err
	}
	key, err := dukpt.WorkingKey(txn.raw(), k, u, a)
	return workingKey(a, key, err)
}

// UpdateKey derives the key under which a device of AES DUKPT gets its next initial key. Of the KSN the device's part counts.
func UpdateKey(initial Key, k KSN, algorithm string) (Key, error) {
	if _, err := derives("initial key", initial, k); err != nil {
		return Key{}, err
	}
	if !k.AES() {
		return Key{}, &Error{"ksn", ErrKSN, "", "12 bytes: TDES DUKPT has no update key"}
	}
	a, err := workingAlgorithm(algorithm)
	if err != nil {
		return Key{}, err
	}
	key, err := dukpt.UpdateKey(initial.raw(), k.Bytes()[:8], a)
	return workingKey(a, key, err)
}
