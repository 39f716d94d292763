package pan

import "io"

// The masking writer reads text as it streams by and hides card numbers in it: the first six and last four digits of a
// number stay, the rest become asterisks, one for each character, and the rest of a track behind the number goes whole.
//
// It looks at runs: digits, hexadecimal letters, '=' and single spaces or dashes. What counts as a card number:
//
//  1. A published test number (InTestRange, check digit right) anywhere in a run, however its digits are grouped.
//  2. A group of exactly 13 to 19 digits whose check digit is right. Not a leading 0, which is a padded counter or amount;
//     not a leading 1 but with 15 digits (air travel), which is a Unix time; not a date and time (YYYYMMDDhhmmss...).
//  3. Inside a longer group of digits, or one that touches hexadecimal letters (a dump of BCD): 13 to 19 digits with the
//     right check digit, and the IIN and length of a payment scheme.
//  4. The same split by single spaces or dashes: in fours or twos (a dump), as 4-6-5 and 4-6-4, or all digits of the run.
//  5. The same written as ASCII codes in hexadecimal (34 37 36 31 ...).
//  6. A group of 13 to 19 digits, check digit or not, with '=' or D and at least seven digits behind it whose third and fourth
//     are a month: track 2.
//
// What it costs, measured by TestFalsePositives: dates, times, counters, zero-padded amounts and trace numbers pass. Of
// other lonely groups of 13 to 19 digits one in ten has a right check digit by chance and is masked. In a dump each digit of
// a long run begins a scheme's number by chance in about one of twenty-five cases; of 64 random bytes in hexadecimal fewer
// than one in a hundred is touched. Masking too much costs a few digits of a dump, masking too little costs a card.
//
// What it cannot see: a number split by a line end or by anything but one space or dash, a number that is neither Luhn-valid
// nor a track, numbers of fewer than 13 digits, and encodings that are not listed. Callers still print the PAN type;
// the writer is the net below.

const (
	maxHeld = 4096 // characters of a run that are held; only a dump is longer, and it is masked in parts
	overlap = 256  // what parts share: longer than any number with its track, spaced, in hexadecimal of ASCII

	minCard   = 13 // digits; shorter numbers have no payment card's check digit worth trusting
	maxTrack1 = 79 // characters, ISO/IEC 7813
	maxTrack2 = 37 // characters without the sentinels, ISO/IEC 7813
)

// Writer is the masking sink. It holds back no more than a run of digits at the end of what was written, until another
// character, Flush or Close ends it: a line that ends is always out whole. The output does not depend on how the input is
// cut into calls of Write. It is not safe for concurrent use.
type Writer struct {
	w      io.Writer
	run    []byte // held: begins with a digit
	hide   []bool // of run: the character becomes an asterisk
	rows   digits // memory for scan
	out    []byte // decided, not yet written
	prev   byte   // the character before run
	parted bool   // run continues one whose beginning is out already
	track1 int    // characters of a track 1 that are still to be hidden
}

var _ io.WriteCloser = (*Writer)(nil)

// NewWriter returns the masking sink in front of w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write masks p and passes it on, but for digits at its end that may go on in the next call. When the writer behind fails,
// the error is returned with 0 and what was decided so far is lost.
func (m *Writer) Write(p []byte) (int, error) {
	for _, c := range p {
		m.next(c)
	}
	if err := m.pass(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush passes on what is held. A number that goes on after it is not seen as one.
func (m *Writer) Flush() error {
	m.end(0)
	return m.pass()
}

// Close is Flush. It does not close the writer behind.
func (m *Writer) Close() error { return m.Flush() }

func (m *Writer) pass() error {
	if len(m.out) == 0 {
		return nil
	}
	_, err := m.w.Write(m.out)
	m.out = m.out[:0]
	return err
}

// next takes one character.
func (m *Writer) next(c byte) {
	if m.track1 > 0 {
		if c != '?' && c >= ' ' {
			m.track1--
			m.out = append(m.out, '*')
			m.prev = '*'
			return
		}
		m.track1 = 0
	}
	n := len(m.run)
	if n == 0 && !isDigit(c) || n > 0 && (!inRun(c) || isGap(c) && isGap(m.run[n-1])) {
		m.end(c)
		m.out = append(m.out, c)
		m.prev = c
		return
	}
	m.run = append(m.run, c)
	m.hide = append(m.hide, false)
	if len(m.run) == maxHeld {
		m.scan(false)
		m.release(maxHeld - overlap)
		m.parted = true
	}
}

// end decides the run that is held; next is the character behind it, 0 when there is none yet.
func (m *Writer) end(next byte) {
	n := len(m.run)
	if n == 0 {
		return
	}
	card := m.scan(true)
	if next == '^' && card == n {
		m.track1 = maxTrack1 // the name and everything behind it
	}
	m.release(n)
	m.parted = false
}

// release moves the first n characters of the run to the output.
func (m *Writer) release(n int) {
	for i, c := range m.run[:n] {
		if m.hide[i] {
			c = '*'
		}
		m.out = append(m.out, c)
	}
	m.prev = m.run[n-1]
	m.run = append(m.run[:0], m.run[n:]...)
	m.hide = append(m.hide[:0], m.hide[n:]...)
}

func inRun(c byte) bool { return isDigit(c) || isHexLetter(c) || isGap(c) || c == '=' }

func isGap(c byte) bool { return c == ' ' || c == '-' }

func isHexLetter(c byte) bool { return c >= 'A' && c <= 'F' || c >= 'a' && c <= 'f' }
