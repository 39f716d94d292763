package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/posim/posim"
)

// The JUnit report, as CI systems read it: one suite, one test case a scenario.

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	Classname string        `xml:"classname,attr"`
	File      string        `xml:"file,attr"`
	Time      string        `xml:"time,attr"`
	Failure   *junitFailure `xml:"failure,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// createReport makes the report's file, readable by its owner only. Its folder must exist. What is written is masked.
func createReport(name string) (io.WriteCloser, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, misuse("--junit %w", plain(err))
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if err := f.Chmod(0o600); err != nil { // it may have been there, open to everybody
			f.Close()
			return nil, misuse("--junit %w", plain(err))
		}
	}
	return &reportFile{newSink(f), f}, nil
}

// reportFile is a file behind a masking sink.
type reportFile struct {
	*sink
	f *os.File
}

// Close flushes and closes the file. A second Close does nothing.
func (r *reportFile) Close() error {
	if r.f == nil {
		return nil
	}
	err := r.sink.Close()
	if closed := r.f.Close(); err == nil {
		err = closed
	}
	r.f = nil
	return err
}

// writeJUnit writes the report and closes it.
func writeJUnit(w io.WriteCloser, all []*report, seed *uint64, lang language, s summary) error {
	suite := junitSuite{Name: "posim", Tests: len(all), Failures: s.failed, Time: seconds(s.wall), Properties: []junitProperty{
		{"version", posim.Version},
	}}
	if seed != nil {
		suite.Properties = append(suite.Properties, junitProperty{"seed", fmt.Sprint(*seed)})
	}
	suite.Properties = append(suite.Properties, junitProperty{"virtual", virtualTime(s.virtual)})
	for _, r := range all {
		c := junitCase{Name: titleOf(r.ID, r.Name, r.Zh, lang), Classname: "posim." + r.ID, File: r.File, Time: seconds(r.Wall)}
		if r.Failure != nil {
			c.Failure = junitFailureOf(r)
		}
		suite.Cases = append(suite.Cases, c)
	}
	out := junitSuites{Name: "posim", Tests: suite.Tests, Failures: suite.Failures, Time: suite.Time, Suites: []junitSuite{suite}}
	b, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("junit: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s%s\n", xml.Header, b); err != nil {
		return fmt.Errorf("junit: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("junit: %w", err)
	}
	return nil
}

func junitFailureOf(r *report) *junitFailure {
	f := r.Failure
	out := &junitFailure{Type: "expectation"}
	var lines []string
	if f.Err != nil {
		out.Message, _, _ = strings.Cut(f.Err.Error(), "\n")
		lines = append(lines, errorReport(f.Err))
	} else {
		out.Type = "invariant"
	}
	for _, v := range f.Violations {
		if out.Message == "" {
			out.Message = v.String()
		}
		lines = append(lines, v.String())
	}
	lines = append(lines, "where is the money: "+f.Where, "replay: posim replay "+quoted(f.Replay))
	out.Text = "\n" + strings.Join(lines, "\n") + "\n"
	return out
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }
