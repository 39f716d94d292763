package keyblock

// version is what differs between the key block versions.
type version struct {
	id      byte
	block   int  // the cipher's block in bytes; the header is whole blocks of as many characters
	mac     int  // the MAC in bytes
	variant bool // A, C: keys are variants of the protection key, and the MAC is over the encrypted payload
	aes     bool // the protection key is an AES key
	stream  bool // E: the payload is not whole blocks; not supported
}

// versions holds every version that is known.
var versions = [...]version{
	{id: 'A', block: 8, mac: 4, variant: true},
	{id: 'B', block: 8, mac: 8},
	{id: 'C', block: 8, mac: 4, variant: true},
	{id: 'D', block: 16, mac: 16, aes: true},
	{id: 'E', block: 16, mac: 16, aes: true, stream: true},
}

// findVersion returns the version with an id.
func findVersion(id byte) (*version, error) {
	for i := range versions {
		if versions[i].id == id {
			return &versions[i], nil
		}
	}
	return nil, misplaced(0, "version: want A, B, C, D or E")
}

// supported is an error for a version that is only known.
func (v *version) supported() error {
	if v.stream {
		return fail(ErrUnsupported, "version %c is not supported: want A, B, C or D", v.id)
	}
	return nil
}

// payload is the length of the whole blocks that hold n bytes.
func (v *version) payload(n int) int { return (n + v.block - 1) / v.block * v.block }
