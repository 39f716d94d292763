// Package vectors runs known-answer files against the rooms: published examples, recomputed, and compared in every field.
//
// Start with Paths, which runs files and folders, or File, which runs one file's bytes:
//
//	results, err := vectors.Paths("testdata/vectors/emv")
//	for _, r := range results {
//		for _, f := range r.Failures {
//			fmt.Println(r.File, r.ID, f)
//		}
//	}
//
// A file is a JSON object that names its layout; a layout says what its vectors are and what is compared. One vector gives one
// Result. Nothing is skipped: a layout, a step or a field that nobody here knows is a failure, and so is an input that is missing,
// a key that stands twice, and a vector that compares nothing. Only prose is not looked at: source, title, note, notes, reason,
// next, rule, check, phase, emv_utils_tvr and result_codes.
//
// Not compared, because a vector holds it only once: the data of an emv-t0/1 vector that leaves out the GET RESPONSE which fetches
// them (their length is), and the AID of a final selection. Of what a transcript says of its card, beside what is expected, the card's
// data and keys are compared, and what is not known here is left to those who play the card.
//
// What a failure shows of a key, a PIN or a track is a digest, never the value: see Failure.
//
// The files' hexadecimal digits are compared as bytes. The layouts are emv-capk/1, emv-issuer-crypto/1, emv-issuer-crypto-cup/1,
// emv-oda-rsa/1, emv-kernel-steps/1, emv-t0/1 and emv-transcript/1; hsm/1, which goes through package clear and must be refused what
// it says is an error; and cup/1. A message of cup/1 is read by the dialect, compared field by field, and must be written again as the
// same bytes; what stands beside input and expected (the keys of a sign-on, the key of the MAC) is compared, too.
package vectors
