package vectors

import (
	"bytes"
	"errors"
	"strings"

	"github.com/posim/posim/hsm/clear"
)

// dukptOperations are those of DUKPT. TDES and AES differ by the length of the KSN.
var dukptOperations = map[string]func(*operation){
	"dukpt.tdes.ik":          initialKey,
	"dukpt.tdes.transaction": transactionTDES,
	"dukpt.tdes.ksn_next":    nextKSN,
	"dukpt.tdes.ksn_valid":   validKSN,
	"dukpt.tdes.ksn_count":   countTransactions,
	"dukpt.aes.ik":           initialKey,
	"dukpt.aes.txn_key":      transactionKey,
	"dukpt.aes.transaction":  transactionAES,
	"dukpt.aes.working_keys": workingKeysAES,
	"dukpt.aes.mac_and_data": macAndDataAES,
	"dukpt.aes.update_key":   updateKey,
	"dukpt.aes.ksn_next":     nextKSN,
	"dukpt.aes.ksn_count":    countTransactions,
}

// ksn reads a key serial number; what AES DUKPT calls an initial key ID is one without a counter.
func (o *operation) ksn() (k clear.KSN) {
	var b, id []byte
	if o.in.has("ikid") {
		id = o.in.hexN("ikid", 8)
		b = append(bytes.Clone(id), 0, 0, 0, 0)
	}
	if o.in.has("ksn") || id == nil {
		b = o.in.hex("ksn")
		if !bytes.HasPrefix(b, id) && o.in.ok() {
			o.in.fail("in.ikid", "another device", "that of the KSN")
		}
	}
	if !o.ready() {
		return k
	}
	k, err := clear.ParseKSN(b)
	o.refuse(err)
	return k
}

// device is a device with DUKPT.
type device struct {
	o   *operation
	bdk clear.Key
	ksn clear.KSN
}

// device reads base derivation key and KSN. The vectors name an initial key ID where it is AES.
func (o *operation) device() device {
	a := clear.TDES
	if o.in.has("ikid") {
		a = clear.AES
	}
	return device{o, o.key(o.in, "bdk", a), o.ksn()}
}

func (d device) initial() clear.Key {
	if !d.o.ready() {
		return clear.Key{}
	}
	return d.o.made(clear.InitialKey(d.bdk, d.ksn))
}

func (d device) transaction() clear.Key { return d.key(false) }

func (d device) key(pastLimit bool) clear.Key {
	ik := d.initial()
	if !d.o.ready() {
		return clear.Key{}
	}
	return d.o.made(clear.TransactionKey(ik, d.ksn, pastLimit))
}

func initialKey(o *operation) {
	if ik := o.device().initial(); o.ready() {
		o.out.sameKey("ik", ik)
	}
}

// transactionKey compares keys of counters that no device uses as well: the standard prints one.
func transactionKey(o *operation) {
	if key := o.device().key(true); o.ready() {
		o.out.sameKey("txn_key", key)
	}
}

func nextKSN(o *operation) {
	k := o.ksn()
	if !o.ready() {
		return
	}
	next, err := clear.NextKSN(k)
	if exhausted := errors.Is(err, clear.ErrExhausted); exhausted || err == nil {
		o.out.sameFlag("exhausted", exhausted)
	}
	if o.out.has("exhausted") && errors.Is(err, clear.ErrExhausted) {
		return
	}
	if o.refuse(err); err == nil {
		o.out.same("next", next.Bytes())
	}
}

func validKSN(o *operation) {
	if k := o.ksn(); o.ready() {
		o.out.sameFlag("valid", k.Valid() == nil)
	}
}

func countTransactions(o *operation) {
	if k := o.ksn(); o.ready() {
		o.out.sameNumber("total_transactions", int64(clear.Transactions(k)))
	}
}

func updateKey(o *operation) {
	ik, k, algorithm := o.key(o.in, "ik", clear.AES), o.ksn(), o.in.text("key_type")
	if !o.ready() {
		return
	}
	if key := o.made(clear.UpdateKey(ik, k, algorithm)); o.ready() {
		o.out.sameKey("update_key", key)
	}
}

func transactionTDES(o *operation) {
	d := o.device()
	pin, number, format, data := o.in.text("pin"), o.in.text("pan"), o.in.word("format"), []byte(o.in.text("data_ascii"))
	txn := d.transaction()
	if !o.ready() {
		return
	}
	keys := map[string]clear.Key{}
	for _, use := range []string{"pin", "mac-request", "mac-response", "data-request", "data-response"} {
		keys[use] = o.made(clear.WorkingKey(txn, d.ksn, use, "TDES2"))
	}
	if !o.ready() {
		return
	}
	block := o.bytes(clear.EncipherPIN(format, keys["pin"], pin, number, ""))
	if !o.ready() {
		return
	}
	o.out.sameKey("txn_key", txn)
	o.out.same("pin_block", block)
	for _, use := range sortedKeys(keys) {
		o.out.sameKey(strings.ReplaceAll(use, "-", "_")+"_key", keys[use])
	}
	for _, way := range []string{"request", "response"} {
		mac, cmac := o.bytes(clear.MAC(clear.X919, keys["mac-"+way], 1, data)), o.bytes(clear.MAC(clear.CMAC, keys["mac-"+way], 0, data))
		enciphered := o.bytes(clear.EncryptCBC(keys["data-"+way], nil, zeroPadded(data, 8)))
		if o.ready() {
			o.out.same("mac_"+way, mac[:4])
			o.out.same("cmac_"+way, cmac)
			o.out.same("data_"+way+"_cbc_iv0_zeropad", enciphered)
		}
	}
}

// zeroPadded is data up to whole blocks.
func zeroPadded(data []byte, block int) []byte {
	return append(bytes.Clone(data), make([]byte, (block-len(data)%block)%block)...)
}

// workingUses are the uses of working keys in the vectors' words.
var workingUses = map[string]string{"pin": "pin", "mac_gen": "mac-request", "mac_ver": "mac-response", "data_enc": "data-request",
	"data_dec": "data-response", "kek": "key-encryption"}

// sameWorkingKeys compares the working keys that out names: "mac_gen_" and an algorithm, between before and after.
func (o *operation) sameWorkingKeys(txn clear.Key, k clear.KSN, between string) {
	for _, use := range sortedKeys(workingUses) {
		for _, algorithm := range clear.WorkingAlgorithms() {
			field := use + between + strings.ToLower(algorithm)
			if !o.out.has(field) {
				continue
			}
			if key := o.made(clear.WorkingKey(txn, k, workingUses[use], algorithm)); o.err == nil {
				o.out.sameKey(field, key)
			}
		}
	}
}

func transactionAES(o *operation) {
	d := o.device()
	pin, number, random := o.in.optionalText("pin"), o.in.optionalText("pan"), o.in.optionalText("random")
	txn := d.transaction()
	if !o.ready() {
		return
	}
	o.out.sameKey("txn_key", txn)
	o.sameWorkingKeys(txn, d.ksn, "_key_")
	if pin == "" && number == "" && random == "" {
		return
	}
	key := o.made(clear.WorkingKey(txn, d.ksn, "pin", "AES128"))
	if o.err != nil {
		return
	}
	if block := o.bytes(clear.EncipherPIN("4", key, pin, number, random)); o.err == nil {
		o.out.same("pin_block_fmt4", block)
	}
}

func workingKeysAES(o *operation) {
	d := o.device()
	ik, txn := d.initial(), d.transaction()
	if o.ready() {
		o.out.sameKey("ik", ik)
		o.out.sameKey("txn_key", txn)
		o.sameWorkingKeys(txn, d.ksn, "_")
	}
}

// macAndDataAES compares what the working keys make: under AES-128, whatever derives it, and HMAC of 128 bits.
func macAndDataAES(o *operation) {
	d, data := o.device(), []byte(o.in.text("data_ascii"))
	txn := d.transaction()
	if !o.ready() {
		return
	}
	for _, way := range []struct{ use, cmac, hmac, data string }{
		{"request", "cmac_request_mac_gen", "hmac_sha256_request_hmac128", "data_request_cbc_iv0_zeropad"},
		{"response", "cmac_response_mac_ver", "hmac_sha256_response_hmac128", "data_response_cbc_iv0_zeropad"},
	} {
		mac := o.made(clear.WorkingKey(txn, d.ksn, "mac-"+way.use, "AES128"))
		hmac := o.made(clear.WorkingKey(txn, d.ksn, "mac-"+way.use, "HMAC128"))
		cipher := o.made(clear.WorkingKey(txn, d.ksn, "data-"+way.use, "AES128"))
		if o.err != nil {
			return
		}
		sums := [][]byte{o.bytes(clear.MAC(clear.CMAC, mac, 0, data)), o.bytes(clear.MAC(clear.HMACSHA256, hmac, 0, data)),
			o.bytes(clear.EncryptCBC(cipher, nil, zeroPadded(data, 16)))}
		if o.err == nil {
			o.out.same(way.cmac, sums[0])
			o.out.same(way.hmac, sums[1])
			o.out.same(way.data, sums[2])
		}
	}
}
