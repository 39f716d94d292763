package hsm

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/internal/pan"
)

// The boundary is guarded twice: by a list of every way in which bytes or texts leave this package, each with what it is, so that a new
// one does not go unseen; and by looking for keys and PINs in what comes out.

// ways are all results, parameters and fields of the package's interface through which bytes or texts can leave: name, and the type where
// one name has several.
var ways = map[string]string{
	"Algorithm.String": "a name", "Attributes.String": "codes", "PINState.String": "a name", "Scheme.String": "a description", "Scheme.Keys": "a name",
	"Lock.String": "the kind of lock", "Usage.Name": "a description", "Usages": "codes", "Files": "names of files", "UsageError.Error": "usages",
	"Key.String": "usage and check value", "Key.GoString": "usage and check value", "Key.MarshalText": "usage and check value",
	"Key.CheckValue": "three bytes of the encryption of zeros", "Key.Usage": "a code",

	"Module.CheckValue":        "three or four bytes of the encryption of zeros",
	"Module.List":              "what KeyInfo has",
	"Module.NextKSN":           "a key serial number",
	"Module.KSN":               "a key serial number",
	"Module.Export":            "a key's cryptogram under a master key, and its check value",
	"Module.ExportKeyBlock":    "a key block",
	"Module.DeriveInitialKey":  "a key block",
	"Ceremony.Component":       "a component's check value",
	"Module.MAC mac":           "a MAC",
	"Module.EncryptPIN":        "a PIN block under a PIN key",
	"Module.TranslatePIN":      "a PIN block under a PIN key",
	"Module.GeneratePIN":       "a PIN block under a PIN key",
	"Module.PINReference":      "a PIN block under a key that deciphers nowhere",
	"Module.ReferencePIN":      "a PIN block under a key that deciphers nowhere",
	"Module.GeneratePVV":       "a PVV: four digits of a cryptogram",
	"Module.ChangePVV":         "a PVV: four digits of a cryptogram",
	"Module.GeneratePINOffset": "the difference of PIN and natural PIN",
	"Module.GenerateCVV":       "three digits of a cryptogram",
	"Module.ARPC":              "a cryptogram and the issuer's answer",
	"Module.SealScript":        "a command for the card with its MAC; a PIN in it is enciphered",
	"Module.Seal":              "sealed data",
	"Module.Open":              "data that was sealed: never a key or PIN, which Seal is not given",
	"Module.EncryptData":       "enciphered data",
	"Module.DecryptData":       "data of a line: the key is a D0, which no PIN block is under",

	"Module.PresentPIN card": "the PIN on its way to the chip, in the clear only where the card has no key for it",
	"Module.OnUse f":         "a question without parameters",
	"New rand":               "asked for randomness", "Create rand": "asked for randomness", "Open rand": "asked for randomness",
	"Create disk": "the store, sealed", "Open disk": "the store, sealed",
	"Module.VerifyCryptogram get": "asked for data elements", "Module.ARPC get": "asked for data elements",
	"Module.Format f": "how many keys there are", "Key.Format f": "usage and check value", "Keypad.Format f": "the state", "Ceremony.Format f": "how far it is",
	"Lock.Format f": "the kind of lock", "entry.Format f": "slot, usage and label",

	"Attributes.Usage": "a code", "Working.Usage": "a code", "UsageError.Need": "codes", "UsageError.Found": "a code",
	"KeyInfo.Label": "a label", "KeyInfo.KSN": "a key serial number",
	"IBM3624.Decimalization": "the caller's", "IBM3624.Validation": "the caller's", "DynamicValue.PANSequenceNumber": "the caller's",
	"ScriptCard.PANSequenceNumber": "the caller's", "ScriptCard.ATC": "the caller's", "ScriptCard.Cryptogram": "the caller's",
	"ScriptCommand.Data": "the caller's", "ScriptCommand.PINBlock": "the caller's",
}

// narrow are types of other packages that no key or PIN fits in, or that show nothing; the others are wide.
var narrow = map[string]bool{
	"apdu.SW": true, "pinblock.Format": true, "security.Version": true, "security.Option": true, "security.IssuerAnswer": true, "pan.PAN": true,
	"security.PublicKey": true, "tlv.Tag": true,
}

// surface finds the ways in source files.
type surface struct {
	types map[string]ast.Expr // of the package
	found map[string]bool
	names map[string]bool // exported functions and methods
}

func newSurface(files []*ast.File) *surface {
	s := &surface{map[string]ast.Expr{}, map[string]bool{}, map[string]bool{}}
	for _, f := range files {
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				for _, spec := range g.Specs {
					if t, ok := spec.(*ast.TypeSpec); ok {
						s.types[t.Name.Name] = t.Type
					}
				}
			}
		}
	}
	for _, f := range files {
		for _, d := range f.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.IsExported() {
				s.function(f)
			}
		}
	}
	for name, t := range s.types {
		if st, ok := t.(*ast.StructType); ok && ast.IsExported(name) {
			s.fields(name, st)
		}
	}
	return s
}

func (s *surface) function(f *ast.FuncDecl) {
	name := f.Name.Name
	if f.Recv != nil {
		t := f.Recv.List[0].Type
		if p, ok := t.(*ast.StarExpr); ok {
			t = p.X
		}
		name = t.(*ast.Ident).Name + "." + name
	}
	s.names[name] = true
	if f.Type.Results != nil {
		for _, r := range f.Type.Results.List {
			if s.wide(r.Type) {
				s.found[name] = true
			}
		}
	}
	for _, p := range f.Type.Params.List {
		for _, n := range p.Names {
			// What is asked can be told something; into a slice called dst or mac the module writes.
			if s.asked(p.Type) || n.Name == "mac" && f.Name.Name == "MAC" {
				s.found[name+" "+n.Name] = true
			}
		}
	}
}

func (s *surface) fields(name string, st *ast.StructType) {
	for _, f := range st.Fields.List {
		for _, n := range f.Names {
			if n.IsExported() && (s.wide(f.Type) || s.asked(f.Type)) {
				s.found[name+"."+n.Name] = true
			}
		}
		if len(f.Names) == 0 && ast.IsExported(strings.TrimLeft(types(f.Type), "*")) {
			s.found[name+"."+types(f.Type)] = true
		}
	}
}

// types is a type's text, as far as this package writes types.
func types(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + types(e.X)
	case *ast.SelectorExpr:
		return types(e.X) + "." + e.Sel.Name
	}
	return fmt.Sprintf("%T", e)
}

// wide tells whether a value of the type can carry a key or a PIN. The structs of this package cannot: their fields and methods are
// themselves looked at.
func (s *surface) wide(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		switch e.Name {
		case "bool", "byte", "uint8", "uint16", "uint32", "uint64", "int", "int64", "error", "rune":
			return false
		case "string":
			return true
		}
		t, own := s.types[e.Name]
		return !own || s.wide(t)
	case *ast.StarExpr:
		return s.wide(e.X)
	case *ast.StructType:
		return false
	case *ast.SelectorExpr:
		return !narrow[types(e)]
	}
	return true // slices, arrays, maps, functions, channels, interfaces
}

// asked tells whether whoever gives a value of the type is called with something.
func (s *surface) asked(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncType, *ast.InterfaceType, *ast.ChanType:
		return true
	case *ast.SelectorExpr:
		switch types(e) {
		case "io.Reader", "io.Writer", "sim.Disk", "apdu.Card", "fmt.State":
			return true
		}
		return !narrow[types(e)]
	case *ast.Ident:
		_, isInterface := s.types[e.Name].(*ast.InterfaceType)
		return isInterface
	case *ast.StarExpr:
		return s.asked(e.X)
	}
	return false
}

// unlisted are the ways that the list has not, and those that it has and nobody finds.
func (s *surface) unlisted() (wrong []string) {
	for way := range s.found {
		if ways[way] == "" {
			wrong = append(wrong, way+": what is it that leaves here?")
		}
	}
	for way := range ways {
		if !s.found[way] {
			wrong = append(wrong, way+" is listed, but is not there")
		}
	}
	slices.Sort(wrong)
	return wrong
}

func TestEveryWayOutIsListed(t *testing.T) {
	for _, wrong := range newSurface(sources(t)).unlisted() {
		t.Error(wrong)
	}
	for name, source := range map[string]string{
		"a method with a result":    "func (m *Module) ClearKey(k Key) []byte { return nil }",
		"a text":                    "func (k Key) Reveal() string { return `` }",
		"an array":                  "func (p *Keypad) Digits() [12]byte { return [12]byte{} }",
		"an array behind a pointer": "func (p *Keypad) Digits() *[12]byte { return nil }",
		"a type of its own":         "type Clear []byte; func (m *Module) Clear(k Key) Clear { return nil }",
		"another package's":         "func (m *Module) Big(k Key) *big.Int { return nil }",
		"a field":                   "type Info struct { Secret []byte }",
		"an embedded type":          "type Info struct { Module }",
		"a function":                "func Clear(k Key) (n int, s string) { return }",
		"a callback":                "func (m *Module) OnKey(f func(clear []byte)) {}",
		"an interface":              "type Spy interface { Tell([]byte) }; func (m *Module) Watch(w Spy) {}",
		"a writer":                  "func (m *Module) Dump(w io.Writer) {}",
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "planted.go", "package hsm\n"+source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if len(newSurface(append(sources(t), f)).unlisted()) == 0 {
			t.Errorf("%s goes unseen", name)
		}
	}
}

// What reflection sees of the types that hold secrets is what the source says: nothing exported comes in by embedding.
func TestHandlesHaveNoExportedFields(t *testing.T) {
	s := newSurface(sources(t))
	for _, v := range []any{&Module{}, &Keypad{}, &Key{}, &Ceremony{}, &Lock{}, &Scheme{}} {
		pointer := reflect.TypeOf(v)
		name := pointer.Elem().Name()
		for _, f := range reflect.VisibleFields(pointer.Elem()) {
			if f.IsExported() {
				t.Errorf("%s.%s can be reached", name, f.Name)
			}
		}
		seen := 0
		for i := range pointer.NumMethod() {
			if method := name + "." + pointer.Method(i).Name; !s.names[method] {
				t.Errorf("%s is not in the source", method)
			}
			seen++
		}
		if seen == 0 {
			t.Errorf("%s has no methods: the test looks at nothing", name)
		}
	}
}

// witness collects what comes out, and knows by which operation.
type witness struct {
	text   []byte
	by     map[string]bool
	errors map[string]bool
}

func newWitness() *witness { return &witness{by: map[string]bool{}, errors: map[string]bool{}} }

// saw takes what an operation gave.
func (w *witness) saw(name string, values ...any) {
	w.by[name] = true
	for _, v := range values {
		switch v := v.(type) {
		case []byte:
			w.text = append(w.text, v[:cap(v)]...) // what stands behind its end came out too
		case string:
			w.text = append(w.text, v...)
		case [3]byte:
			w.text = append(w.text, v[:]...)
		case [8]byte:
			w.text = append(w.text, v[:]...)
		case error:
			if !w.errors[v.Error()] { // many are the same
				w.errors[v.Error()] = true
				w.error(v)
			}
		case nil:
		default:
			w.printed(v)
		}
		w.text = append(w.text, '\n')
	}
}

// error prints an error and what it wraps.
func (w *witness) error(e error) {
	w.text = fmt.Appendf(w.text, "%v\n%+v\n%#v\n%q\n%x\n%d\n", e, e, e, e, e, e)
	switch u := e.(type) {
	case interface{ Unwrap() error }:
		w.error(u.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			w.error(e)
		}
	}
}

// printed prints a value in every way.
func (w *witness) printed(v any) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%+s", "%q", "%x", "% x", "%#x", "%X", "%d", "%o", "%b", "%c", "%U", "%t", "%e"} {
		w.text = fmt.Appendf(w.text, verb+"\n", v)
	}
	if b, err := json.Marshal(v); err == nil {
		w.text = append(w.text, b...)
	}
	slog.New(slog.NewJSONHandler((*sink)(w), nil)).Info("m", "v", v)
	slog.New(slog.NewTextHandler((*sink)(w), nil)).Info("m", "v", v)
}

type sink witness

func (s *sink) Write(p []byte) (int, error) { s.text = append(s.text, p...); return len(p), nil }

// spying is a source of randomness that looks at what it is lent.
type spying struct {
	w *witness
	r io.Reader
}

func (s spying) Read(p []byte) (int, error) {
	s.w.text = append(append(s.w.text, p[:cap(p)]...), '\n')
	return s.r.Read(p)
}

// secrets are what must not come out.
type secrets struct {
	keys map[uint64]string // six bytes of a key, without parity, both ways round: which key it is
	pins [][]byte          // parts of PINs and of their blocks
}

const window = 6

func pack(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c&0xFE)
	}
	return v
}

func (s *secrets) key(name string, clear []byte) {
	back := slices.Clone(clear)
	slices.Reverse(back)
	for _, b := range [][]byte{clear, back} {
		for i := 0; i+window <= len(b); i++ {
			s.keys[pack(b[i:i+window])] = name
		}
	}
}

func (s *secrets) pin(digits string) {
	numbers := []byte(digits)
	for i := range numbers {
		numbers[i] -= '0'
	}
	packed, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	for i := 0; i+8 <= len(digits); i++ {
		s.pins = append(s.pins, []byte(digits[i:i+8]), numbers[i:i+8])
	}
	for i := 0; i+4 <= len(packed); i++ {
		s.pins = append(s.pins, packed[i:i+4])
	}
}

// of takes all that a module holds at the moment.
func (s *secrets) of(m *Module) {
	for _, x := range m.slots {
		if x == nil {
			continue
		}
		s.key(x.a.String(), x.clear)
		if x.device != nil {
			for register := range slices.Chunk(x.device.Append(nil)[2+len(x.device.KSN().Bytes()):], x.device.Size()) {
				if slices.ContainsFunc(register, func(b byte) bool { return b != 0 }) {
					s.key("future key", register)
				}
			}
			s.key("transaction key", x.device.TransactionKey())
		}
	}
	for _, c := range m.parts {
		if c.ended {
			continue // wiped
		}
		for _, part := range *c.secret.all {
			s.key("component", part)
		}
	}
}

// views are what text may mean: itself, and what it becomes if it is read as hexadecimal digits, as a list of numbers, as base64, or as a
// quoted text.
func views(text []byte) [][]byte {
	all := [][]byte{text}
	plain := strings.NewReplacer("0x", "", "0X", "", `\x`, "", " ", "", ",", "", ":", "", "\n", "").Replace(string(text))
	for at := range 2 {
		all = append(all, unhexRuns(plain, at), unhexRuns(string(text), at))
	}
	all = append(all, numbers(string(text), 10), numbers(string(text), 8), numbers(string(text), 2), numbers(strings.ReplaceAll(string(text), "0x", " "), 16))
	for at := range 4 {
		all = append(all, base64Runs(string(text), at))
	}
	return append(all, unquoted(string(text)))
}

// runs are the longest pieces of text that are of these characters.
func runs(text, of string) iter.Seq[string] {
	var is [256]bool
	for i := range len(of) {
		is[of[i]] = true
	}
	return func(yield func(string) bool) {
		for i := 0; i < len(text); i++ {
			from := i
			for i < len(text) && is[text[i]] {
				i++
			}
			if i > from && !yield(text[from:i]) {
				return
			}
		}
	}
}

// unhexRuns decodes hexadecimal digits from each run's digit at on; between runs stands a zero.
func unhexRuns(text string, at int) (out []byte) {
	for run := range runs(text, "0123456789abcdefABCDEF") {
		if len(run) >= at+2*window {
			b, _ := hex.DecodeString(run[at : at+(len(run)-at)/2*2])
			out = append(append(out, b...), 0)
		}
	}
	return out
}

// numbers reads lists of numbers.
func numbers(text string, base int) (out []byte) {
	for field := range runs(text, "0123456789abcdef"[:max(base, 10)]) {
		if n, err := strconv.ParseUint(field, base, 8); err == nil {
			out = append(out, byte(n))
		} else {
			out = append(out, 0)
		}
	}
	return out
}

func base64Runs(text string, at int) (out []byte) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	for run := range runs(text, digits) {
		if len(run) >= at+8 {
			b, _ := base64.RawStdEncoding.DecodeString(run[at : at+(len(run)-at)/4*4])
			out = append(append(out, b...), 0)
		}
	}
	return out
}

// unquoted undoes the escapes of %q, JSON and logs.
func unquoted(text string) (out []byte) {
	for len(text) > 0 {
		c, multibyte, rest, err := strconv.UnquoteChar(text, 0)
		if err != nil {
			out, text = append(out, text[0]), text[1:]
			continue
		}
		if multibyte && c > 0xFF {
			out = append(out, string(c)...)
		} else {
			out = append(out, byte(c))
		}
		text = rest
	}
	return out
}

// in looks for secrets in text.
func (s *secrets) in(text []byte) (found []string) {
	for _, view := range views(text) {
		v := uint64(0)
		for i, c := range view {
			if v = v<<8&(1<<(8*window)-1) | uint64(c&0xFE); i+1 >= window && s.keys[v] != "" {
				found = append(found, fmt.Sprintf("a key, %s, at %d", s.keys[v], i+1-window))
			}
		}
		for _, part := range s.pins {
			if i := strings.Index(string(view), string(part)); i >= 0 {
				found = append(found, fmt.Sprintf("a PIN, at %d", i))
			}
		}
	}
	return found
}

const canaryPIN = "739184650271"

// witnessed loads a module at rest with keys of every usage and a PIN, calls every operation, and gives back what came out and what must
// not have.
func witnessed(t *testing.T) (*witness, *secrets) {
	w, s := newWitness(), &secrets{keys: map[uint64]string{}}
	s.pin(canaryPIN)
	_, _, disk := storeDisk(t)
	m, err := Create(disk, DeviceKey(), spying{w, counter()})
	w.saw("Create", m, err)
	x := ringIn(t, m, func(u Usage) string { return "the " + string(u) })
	more := rand.NewChaCha8([32]byte{3})
	add := func(a Attributes, n int) Key {
		clear := make([]byte, n)
		if _, err := more.Read(clear); err != nil {
			t.Fatal(err)
		}
		k, err := m.Install("", a, clear)
		w.saw("Module.Install", k, err)
		s.of(m)
		return k
	}
	aesPIN, sm4PIN := add(Attributes{Usage: PINEncryption, Algorithm: AES}, 32), add(Attributes{Usage: PINEncryption, Algorithm: SM4}, 16)
	p := card(t, pan1)
	pad := func() *Keypad {
		k := m.Keypad()
		w.saw("Module.Keypad", k, *k)
		for i := range len(canaryPIN) {
			w.saw("Keypad.Press", k.Press(canaryPIN[i]))
		}
		if !w.by["Module.EncryptPIN"] {
			w.saw("Keypad.Format", k, *k, struct{ p *Keypad }{k}, struct{ P *Keypad }{k})
		}
		w.saw("Keypad.Enter", k.Enter())
		w.saw("Keypad.State", k.State(), k)
		w.saw("Keypad.Len", k.Len())
		w.saw("Keypad.Done", k.Done())
		return k
	}
	dst := func() []byte { return make([]byte, 0, 64) }

	// PINs
	carriers := []PINCarrier{in(x.by[PINEncryption], Format0), in(x.by[PINEncryption], Format1), in(x.by[PINEncryption], Format3), in(aesPIN, Format4), in(sm4PIN, SM4X98)}
	for _, c := range carriers {
		block, err := m.EncryptPIN(dst(), c, pad(), p)
		w.saw("Module.EncryptPIN", block, err)
		for _, to := range carriers {
			out, err := m.TranslatePIN(dst(), c, to, p, block)
			w.saw("Module.TranslatePIN", out, err)
		}
		ref, err := m.ReferencePIN(c, p, block, x.by[PINVerification])
		w.saw("Module.ReferencePIN", ref, err)
		w.saw("Module.VerifyPIN", m.VerifyPIN(c, p, block, x.by[PINVerification], ref[:]), m.VerifyPIN(c, p, block, x.by[PINVerification], make([]byte, 8)))
		pvv, err := m.GeneratePVV(x.by[PINVerificationVisa], 1, c, p, block)
		w.saw("Module.GeneratePVV", pvv, err)
		w.saw("Module.VerifyPVV", m.VerifyPVV(x.by[PINVerificationVisa], 1, c, p, block, pvv))
		pvv, err = m.ChangePVV(x.by[PINVerificationVisa], 1, c, p, block, pvv, block)
		w.saw("Module.ChangePVV", pvv, err)
		offset, err := m.GeneratePINOffset(x.by[PINVerification3624], natural, c, p, block)
		w.saw("Module.GeneratePINOffset", offset, err)
		w.saw("Module.VerifyPINOffset", m.VerifyPINOffset(x.by[PINVerification3624], natural, c, p, block, offset))
		out, err := m.GeneratePIN(dst(), x.by[PINVerification3624], natural, offset, c, p)
		w.saw("Module.GeneratePIN", out, err)
		script, err := m.SealScript(x.script(t), ScriptCommand{Instruction: apdu.InsPINChangeUnblock, PIN: c, PINBlock: block})
		w.saw("Module.SealScript", script, err, x.script(t))
	}
	ref, err := m.PINReference(x.by[PINVerification], p, pad())
	w.saw("Module.PINReference", ref, err)
	chip := newPINCard(t)
	sw, err := m.PresentPIN(pad(), chip, pinKey(t).Public())
	w.saw("Module.PresentPIN", sw, err)
	for _, heard := range append(chip.heard, chip.lent) {
		w.saw("Module.PresentPIN", heard)
	}
	// a PIN that is open when something else is wrong: no card number, or one too short
	for _, wrong := range []pan.PAN{{}, card(t, "12345678")} {
		bare := carriers[1] // format 1 opens for any card
		block := encrypted(t, m, bare, canaryPIN, p)
		for _, c := range carriers {
			out, err := m.EncryptPIN(dst(), c, pad(), wrong)
			w.saw("Module.EncryptPIN", out, err)
			out, err = m.TranslatePIN(dst(), bare, c, wrong, block)
			w.saw("Module.TranslatePIN", out, err)
			out, err = m.GeneratePIN(dst(), x.by[PINVerification3624], natural, canaryPIN, c, wrong)
			w.saw("Module.GeneratePIN", out, err)
		}
		ref, err := m.PINReference(x.by[PINVerification], wrong, pad())
		w.saw("Module.PINReference", ref, err)
		ref, err = m.ReferencePIN(bare, wrong, block, x.by[PINVerification])
		w.saw("Module.ReferencePIN", ref, err)
		w.saw("Module.VerifyPIN", m.VerifyPIN(bare, wrong, block, x.by[PINVerification], make([]byte, 8)))
		pvv, err := m.GeneratePVV(x.by[PINVerificationVisa], 1, bare, wrong, block)
		w.saw("Module.GeneratePVV", pvv, err)
		c := x.script(t)
		c.PAN = wrong
		script, err := m.SealScript(c, ScriptCommand{Instruction: apdu.InsPINChangeUnblock, PIN: bare, PINBlock: block})
		w.saw("Module.SealScript", script, err)
	}
	pulled := newPINCard(t)
	pulled.err = apdu.ErrCardRemoved
	_, err = m.PresentPIN(pad(), pulled, nil)
	w.saw("Module.PresentPIN", err)
	entry := pad()
	entry.Clear()
	w.saw("Keypad.Clear", entry)
	entry.Cancel()
	w.saw("Keypad.Cancel", entry)

	// MACs, data, values of the card
	for _, u := range anyMAC {
		mac := make([]byte, 8, 64)
		err := m.MAC(x.by[u], MACParams{}, mac, []byte("0200"))
		w.saw("Module.MAC", mac, err)
		w.saw("Module.VerifyMAC", m.VerifyMAC(x.by[u], MACParams{}, mac, []byte("0200")), m.VerifyMAC(x.by[u], MACParams{}, mac, nil))
	}
	data, err := m.EncryptData(x.by[DataEncryption], make([]byte, 8), make([]byte, 64))
	w.saw("Module.EncryptData", data, err)
	data, err = m.DecryptData(x.by[DataEncryption], nil, data)
	w.saw("Module.DecryptData", data, err)
	sealed, err := m.Seal(x.by[Sealing], nil, []byte("data"))
	w.saw("Module.Seal", sealed, err)
	data, err = m.Open(x.by[Sealing], nil, sealed)
	w.saw("Module.Open", data, err)
	cvv, err := m.GenerateCVV(x.by[CardVerification], p, "3012", ServiceCodeICVV)
	w.saw("Module.GenerateCVV", cvv, err)
	w.saw("Module.VerifyCVV", m.VerifyCVV(x.by[CardVerification], p, "3012", ServiceCodeCVV2, cvv))
	d := DynamicValue{PAN: p, ATC: 7}
	w.saw("Module.VerifyDynamicCVV", m.VerifyDynamicCVV(x.by[IssuerMasterDynamic], d, "3012", "101", "000"), d)
	w.saw("Module.VerifyCVC3", m.VerifyCVC3(x.by[IssuerMasterDynamic], d, []byte("track"), [4]byte{}, "00000"))
	get := elements(t)
	w.saw("Module.VerifyCryptogram", m.VerifyCryptogram(x.by[IssuerMasterAC], security.VisaCVN18, security.OptionA, pan1, "00", get, make([]byte, 8)))
	arpc, err := m.ARPC(x.by[IssuerMasterAC], security.VisaCVN10, security.OptionA, pan1, "00", get, make([]byte, 8), security.IssuerAnswer{})
	w.saw("Module.ARPC", arpc, err)

	// keys coming and going
	for _, u := range Usages() {
		for _, e := range []Exportability{Exportable, Sensitive} {
			k, err := m.Generate(Attributes{Usage: u, Exportability: e})
			w.saw("Module.Generate", k, err)
			s.of(m)
			cryptogram, check, err := m.Export(k, x.by[KeyEncryption])
			w.saw("Module.Export", cryptogram, check, err)
			longer, err := m.CheckValue(k, 4)
			w.saw("Module.CheckValue", longer, err)
			back, err := m.Import(k.Attributes(), x.by[KeyEncryption], cryptogram, check[:])
			w.saw("Module.Import", back, err)
			block, err := m.ExportKeyBlock(k, x.by[KeyBlockProtection], 'B')
			w.saw("Module.ExportKeyBlock", block, err)
			back, err = m.ImportKeyBlock("a block's "+string(u)+string(e), x.by[KeyBlockProtection], block)
			w.saw("Module.ImportKeyBlock", back, err)
			s.of(m)
		}
	}
	c, err := m.NewCeremony(CeremonyParams{Attributes: Attributes{Usage: KeyEncryption}, Components: 3})
	w.saw("Module.NewCeremony", c, err)
	for range 3 {
		part := make([]byte, 16)
		if _, err := more.Read(part); err != nil {
			t.Fatal(err)
		}
		check, err := c.Component(part, nil)
		s.of(m)
		w.saw("Ceremony.Component", check, err, c, *c, struct{ c *Ceremony }{c}, struct{ C Ceremony }{*c})
		_, err = c.Component(part, []byte{1, 2, 3})
		w.saw("Ceremony.Component", err)
		w.saw("Ceremony.Missing", c.Missing())
	}
	k, err := c.Finish("in parts", []byte{1, 2, 3})
	w.saw("Ceremony.Finish", k, err)
	k, err = c.Finish("in parts", nil)
	w.saw("Ceremony.Finish", k, err)
	s.of(m)
	c.Abort()
	w.saw("Ceremony.Abort", c)

	// DUKPT
	for range 3 {
		ksn, err := m.NextKSN(x.by[InitialKey])
		w.saw("Module.NextKSN", ksn, err)
		for _, of := range []Key{x.by[InitialKey], x.by[BaseDerivation]} {
			k, err := m.WorkingKey(of, ksn, Working{Usage: DataEncryption, Direction: Both})
			w.saw("Module.WorkingKey", k, err)
			out, err := m.EncryptData(k, nil, make([]byte, 8))
			w.saw("Module.EncryptData", out, err)
			s.of(m)
		}
	}
	ksn, err := m.KSN(x.by[InitialKey])
	w.saw("Module.KSN", ksn, err)
	block, err := m.DeriveInitialKey(x.by[BaseDerivation], x.by[KeyBlockProtection], withCounterOfAnother(withCounter(ksn, 0)))
	w.saw("Module.DeriveInitialKey", block, err)
	device, err := m.ImportKeyBlock("another device", x.by[KeyBlockProtection], block)
	w.saw("Module.ImportKeyBlock", device, err)
	s.of(m)
	device, err = m.InstallInitialKey("third", TDES, unhex(t, keyA), withCounter(ksn, 0))
	w.saw("Module.InstallInitialKey", device, err)

	// what is wrong
	for _, op := range operations {
		for _, u := range Usages() {
			k := x.by[u]
			w.saw(op.name, op.do(t, x, k))
		}
	}

	// handles, in every company
	list, err := m.List()
	w.saw("Module.List", list, err)
	w.saw("Module.Store", m.Store("again", list[0].Key))
	found, err := m.Find("again")
	w.saw("Module.Find", found, err)
	w.saw("Module.OnUse")
	for _, info := range list[:8] {
		k := info.Key
		w.saw("Key.String", k.String(), k, &k, struct{ k Key }{k}, map[Key]int{k: 1}, []Key{k})
		w.saw("Key.GoString", k.GoString())
		text, err := k.MarshalText()
		w.saw("Key.MarshalText", text, err)
		w.saw("Key.CheckValue", k.CheckValue())
		w.saw("Key.Attributes", k.Attributes(), k.Usage(), k.IsZero())
		w.by["Key.Usage"], w.by["Key.IsZero"] = true, true
	}
	// fmt gives up on a Module in a struct's field by value, and walks it: whatever it finds there
	entered := pad()
	w.saw("Module.Format", m, *m, struct{ m *Module }{m}, struct{ M Module }{*m}, struct{ m Module }{*m}, []any{m, *m, entered}, map[string]any{"m": *m}, struct{ p Keypad }{*entered}, struct{ a, b any }{m, entered})
	for _, format := range []string{"Key.Format", "Keypad.Format", "Ceremony.Format"} {
		w.by[format] = true // by the printing of them
	}
	for _, name := range Files()[1:] { // the device key is none of the module's
		w.saw("Files", content(t, disk, name))
	}
	again, err := Open(disk, DeviceKey(), spying{w, counter()})
	w.saw("Open", again, err)
	s.of(again)
	w.saw("Module.Erase", m.Erase(x.by[CMAC]), m)
	w.saw("Module.Tamper", m.Tamper(), m)
	w.saw("Module.Tampered", m.Tampered())
	return w, s
}

// others are the exported functions and methods that have nothing to do with a key or PIN in a module.
var others = []string{
	"New", "Usages", "Usage.Name", "Algorithm.String", "Attributes.String", "PINState.String", "ParsePINFormat", "ParseScheme", "DeviceKey", "Passphrase", "Lock.String", "Lock.Format",
	"UsageError.Error", "UsageError.Is", "entry.Format",
	"Scheme.Keys", "Scheme.DUKPT", "Scheme.DeviceKey", "Scheme.PINFormat", "Scheme.MACParams", "Scheme.SessionPIN", "Scheme.SessionMAC", "Scheme.WorkingPIN", "Scheme.WorkingMAC", "Scheme.String",
}

// Every operation is called, and neither a key nor a PIN is in what comes out, however it is written.
func TestNothingSecretComesOut(t *testing.T) {
	w, s := witnessed(t)
	if len(s.keys) < 1000 || len(w.text) < 100_000 {
		t.Fatalf("%d parts of keys, %d bytes: the test looks at too little", len(s.keys), len(w.text))
	}
	t.Logf("%d parts of keys, %d bytes", len(s.keys), len(w.text))
	for _, found := range s.in(w.text) {
		t.Error(found)
	}
	for name := range newSurface(sources(t)).names {
		if !w.by[name] && !slices.Contains(others, name) {
			t.Errorf("%s is not called", name)
		}
	}
	t.Run("a secret that comes out is found", planted)
}

// planted puts a key and a PIN among innocent text, in every way of writing them.
func planted(t *testing.T) {
	clear := unhex(t, "0A9B00C3D4051F7788E90211AB3C4D5E") // with bytes of one digit and of three
	s := &secrets{keys: map[uint64]string{}}
	s.key("planted", clear)
	s.pin(canaryPIN)
	parity := slices.Clone(clear)
	for i := range parity {
		parity[i] ^= 1
	}
	array := [16]byte(clear)
	written := map[string]string{
		"raw": string(clear), "other parity": string(parity), "base64": base64.StdEncoding.EncodeToString(clear), "base64 of a URL": base64.URLEncoding.EncodeToString(clear),
		"base64, shifted": base64.StdEncoding.EncodeToString(append([]byte{1}, clear...)), "base64, shifted twice": base64.RawStdEncoding.EncodeToString(append([]byte{1, 2}, clear...)),
		"PIN": canaryPIN, "PIN in the middle": "x" + canaryPIN[2:] + "y", "PIN, packed": string(unhexed("0C" + canaryPIN + "FF")), "PIN, packed and printed": "0c" + canaryPIN + "ff",
		"PIN as numbers": "\x07\x03\x09\x01\x08\x04\x06\x05\x00\x02\x07\x01", "PIN as a list": "7 3 9 1 8 4 6 5 0 2 7 1",
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%+q", "%x", "% x", "%#x", "%# x", "%X", "% X", "%d", "%o", "%b"} {
		written["slice by "+verb] = fmt.Sprintf(verb, clear)
		written["array by "+verb] = fmt.Sprintf(verb, array)
		written["struct by "+verb] = fmt.Sprintf(verb, struct{ b []byte }{clear})
		written["pointer by "+verb] = fmt.Sprintf(verb, &struct{ b [16]byte }{array})
	}
	for name, v := range map[string]any{"slice": clear, "array": array, "struct": struct{ B []byte }{clear}, "text": hex.EncodeToString(clear)} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		written["JSON of a "+name] = string(b)
	}
	for name, text := range written {
		if len(s.in([]byte("innocent 12 text, "+text+" and more of it"))) == 0 {
			t.Errorf("%s goes unseen: %q", name, text)
		}
	}
	if found := s.in([]byte("innocent text 0123456789 and a block 1B9C1845EB993A7A")); len(found) != 0 {
		t.Errorf("what is not there is found: %v", found)
	}
	// and in the hands of the witness, as a leak would be
	w := newWitness()
	m := New(counter())
	k := install(t, m, MACAlgorithm3, keyA)
	own := &secrets{keys: map[uint64]string{}}
	own.of(m)
	for name, v := range map[string]any{
		"a slot's key": m.slots[k.at].clear, "an error that quotes it": fmt.Errorf("key %x", m.slots[k.at].clear), "an error within": fmt.Errorf("a: %w", fmt.Errorf("b: %v", m.slots[k.at].clear)),
		"a struct with the material": struct{ m material }{*m.slots[k.at].material}, "a slice's end": append(m.slots[k.at].clear[:0:16], 7)[:1],
	} {
		w.text, w.errors = nil, map[string]bool{}
		m.slots[k.at].clear[0] = 1 // what append overwrote
		w.saw(name, v)
		if len(own.in(w.text)) == 0 {
			t.Errorf("%s goes unseen", name)
		}
	}
}
