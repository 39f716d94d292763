package vectors

import (
	"fmt"

	"github.com/posim/posim/emv/security"
)

// runCAKeys is emv-capk/1: certification authority public keys, whose checksum is the SHA-1 of RID, index, modulus and exponent
// (Book 2, 11.2.2).
func runCAKeys(f *file) {
	f.root.text("format") // says so in words
	f.vectors("keys", func(_ int, v *fields) string {
		return fmt.Sprintf("%s/%s/%d", v.text("rid"), v.text("index"), v.number("bits"))
	}, func(v *fields) {
		v.oneOf("kind", "live", "test")
		key := caKey(v)
		if key == nil {
			return
		}
		sum := key.Checksum()
		v.same("sha1", sum[:])
		v.same("published_sha1", sum[:])
		v.sameNumber("bits", int64(8*key.Size()))
		if !v.has("published_sha1") { // nobody has published one: then there is no verdict
			if v.has("sha1_matches") {
				v.fail("sha1_matches", "a verdict", "null, as published_sha1")
			}
			return
		}
		v.sameFlag("sha1_matches", string(v.hex("published_sha1")) == string(sum[:]))
	})
}

// caKey makes the key of an object with rid, index, modulus and exponent; nil if it is none.
func caKey(v *fields) *security.CAPublicKey {
	rid, index, modulus, exponent := v.hexN("rid", 5), v.hexN("index", 1), v.hex("modulus"), v.hex("exponent")
	if !v.ok() {
		return nil
	}
	key, err := security.NewCAPublicKey([5]byte(rid), index[0], modulus, exponent, nil)
	if err != nil {
		v.fail(v.path+"modulus", err.Error(), "a public key")
		return nil
	}
	return key
}
