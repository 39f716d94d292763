package main

import (
	"os"
	"time"
)

func main() {
	a := &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, now: time.Now,
		colours: isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		live:    isTerminal(os.Stderr) && os.Getenv("TERM") != "dumb",
	}
	os.Exit(a.run(os.Args[1:]))
}

// isTerminal tells whether a person looks at f. A character device that is no terminal, as /dev/null, does no harm.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
