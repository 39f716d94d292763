// Package transcript keeps whole card transactions and runs them again: every command and response, what the terminal was and
// what the host said, and how it ended, in files of the layout emv-transcript/1.
//
// Start with a file, and have the kernel go through it:
//
//	t, err := transcript.Parse("D1.json", source)
//	report, err := t.Run(nil)
//	for _, d := range report.Differences { ... }
//
// A Recorder makes such a file of a transaction while it happens. A Card plays the card's part alone, for a reader.
//
// Only cards with published test numbers are recorded: a signature covers the card number, so a masked one would not verify. A
// PIN is not in a transcript: a recorded VERIFY is kept up to its length, and the PIN typed in a replay is a filler. Layout:
// testdata/vectors/README.md. Standard: EMV 4.4 Books 1-4, through package emv.
package transcript
