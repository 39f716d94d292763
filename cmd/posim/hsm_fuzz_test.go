package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzCalculator: whatever the calculator is given, it answers with one of its statuses: a table or JSON, or an error of one line;
// it says whose keys it is for before anything else, and no error has a key in it.
func FuzzCalculator(f *testing.F) {
	const key = "0123456789ABCDEFFEDCBA9876543210"
	for _, args := range []string{
		"kcv\n--cipher\ntdes\n--key\n" + key, "kcv\n--key=-", "mac\n--alg\nx9.19\n--key\n" + key + "\n--data\nD3DADF\n--verify\nC66CA5DE", "mac\n--alg=cup-ecb\n--cipher=sm4\n--verbose\n--key=" + key + "\n--data-ascii=x",
		"pinblock\nencode\n--format\n3\n--pin\n1234567890123\n--pan\n4012345678909\n--key\n" + key, "pinblock\ndecode\n--format=4\n--block=00\n--key=" + key, "pinblock\ntranslate\n--from-format=0\n--to-format=3\n--from-key=" + key + "\n--to-key=" + key + "\n--block=1B9C1845EB993A7A\n--pan=4012345678909",
		"dukpt\nderive\n--bdk\n" + key + "\n--ksn\n9876543210E00001", "dukpt\nderive\n--ik=" + key + "\n--ksn=123456789012345600000001\n--algorithm=hmac128", "dukpt\nnext\n--ksn\nFFFF9876543210FFF7FF\n--count=3",
		"tr31\nshow\nB0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E", "tr31\nunwrap\n--kbpk=" + key + "\nA0072P0TE00E0000A8974C06DBFD58D197101A28DEC1A6C7C23F00A3B18EC6D538DE4A5B5F49A542D61A8A8B",
		"tr31\nwrap\n--kbpk=" + key + "\n--key=" + key + "\n--header=D0000B0TX00N0100KS1800604B120F9292800000", "cvv\n--cvk=" + key + "\n--pan=4123456789012345\n--expiry=8701\n--icvv", "pvv\n--pvk=" + key + "\n--pan=1122334455667788\n--pin=4524",
		"offset\n--pvk=" + key + "\n--validation=1122334455667788\n--length=99", "components\n--component=" + key + "\n--component=" + key, "arqc\n--cvn=10\n--imk=" + key + "\n--pan=1234567890123456\n--data=9F36020001",
		"arqc\n--session=common\n--diversifier=00\n--padding=3\n--imk=" + key + "\n--pan=1234567890123456\n--data=", "arpc\n--method=1\n--key=" + key + "\n--arqc=0000000000000000\n--arc=00", "arpc\n--cvn=mc-cvn20\n--imk=" + key + "\n--pan=1\n--atc=0001\n--arqc=0000000000000000\n--csu=00800000",
		"sm4\n--mode=gcm\n--key=" + key + "\n--nonce=00001234567800000000ABCD\n--data=\n--decrypt\n--tag=00", "sm4\n--mode=cbc\n--key=" + key + "\n--data=" + key,
	} {
		f.Add(args, false, key)
		f.Add(args, true, "")
	}
	f.Fuzz(func(t *testing.T, line string, asJSON bool, in string) {
		args := append([]string{"hsm"}, strings.Split(line, "\n")...)
		if len(line) > 2000 || strings.Contains(line, "@") { // a path is the file system's to know
			return
		}
		switch args[1] {
		case "pinblock", "kcv", "mac", "dukpt", "tr31", "cvv", "pvv", "offset", "components", "arqc", "arpc", "sm4":
		default:
			return
		}
		if asJSON {
			args = append(args, "--json")
		}
		out, diag, status := posimRun(t, in, args...)
		first, rest, _ := strings.Cut(diag, "\n")
		begun := first == "posim: hsm: "+testKeysOnly
		switch {
		case status == exitPassed && begun && (out == "" || rest != ""):
			t.Errorf("%q passed, with %q and %q", args, out, rest)
		case status == exitPassed && !begun && diag != "": // a help has nothing to say
			t.Errorf("%q passed, and says %q", args, diag)
		case status == exitFailed && !begun, status != exitPassed && status != exitFailed && status != exitMisuse:
			t.Errorf("%q: status %d, %q", args, status, diag)
		case status == exitMisuse && (out != "" || len(diag) > 1000+20*len(line)):
			t.Errorf("%q is a misuse: %q %q", args, out, diag)
		case begun && asJSON && out != "" && !json.Valid([]byte(out)):
			t.Errorf("%q: no JSON: %s", args, out)
		case strings.Contains(line, "012345678") && begun && strings.Contains(strings.ToUpper(diag), "0123456789ABCDEF"):
			t.Errorf("%q: a key in %q", args, diag)
		}
	})
}
