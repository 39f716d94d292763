package scenario

import (
	"io/fs"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
)

// walletsFile lists the wallets of a library.
const walletsFile = "wallets.yaml"

// Wallet is somebody who pays with a code on a telephone.
type Wallet struct {
	Name, Zh string
	Code     string // the digits that a terminal scans
	Balance  Money
}

// plainWallet is the wallet of a library that has no file of them.
var plainWallet = Wallet{Name: "wallet", Zh: "钱包", Code: "6288000000000000017", Balance: 100_000_00}

// readWallets reads the wallets of a library, of which the first pays where a sale names none.
func (l *Library) readWallets(files fs.FS) error {
	l.wallets = []Wallet{plainWallet}
	src, err := fs.ReadFile(files, walletsFile)
	if err != nil {
		return nil // a library of somebody's own need not have any
	}
	l.wallets, err = parseWallets(walletsFile, src)
	return err
}

// parseWallets reads a file of wallets. The error is an *Error with the place.
func parseWallets(file string, src []byte) ([]Wallet, error) {
	doc, failed := newDocument(file, src)
	if failed != nil {
		return nil, failed
	}
	t := &typing{doc: doc}
	all := t.wallets(doc.root)
	if t.failed != nil {
		return nil, t.failed
	}
	return all, nil
}

func (t *typing) wallets(root *node) (all []Wallet) {
	if !t.mapping(root, "wallets: and a list", "wallets") {
		return nil
	}
	list := root.key("wallets")
	if list == nil {
		t.fail(root.pos, `missing key "wallets"`)
		return nil
	}
	for _, n := range t.list(list) {
		w := t.wallet(n)
		for _, other := range all {
			if t.failed == nil && (other.Name == w.Name || other.Code == w.Code) {
				t.fail(n.pos, "wallets %s and %s have one name or one code", other.Name, w.Name)
			}
		}
		if all = append(all, w); t.failed != nil {
			return nil
		}
	}
	return all
}

func (t *typing) wallet(n *node) (w Wallet) {
	keys := []string{"name", "zh", "code", "balance"}
	if !t.mapping(n, `a wallet such as {name: wechat, zh: 微信支付, code: "1340000000000000172", balance: 10000.00}`, keys...) {
		return w
	}
	for _, k := range keys {
		if n.key(k) == nil {
			t.fail(n.pos, "missing key %q", k)
			return w
		}
	}
	w.Name, w.Zh = t.text(n.key("name"), "a wallet's name"), t.text(n.key("zh"), "a wallet's name in Chinese")
	code := n.key("code")
	if w.Code = t.text(code, "a wallet's code"); !digits(w.Code) || len(w.Code) < 16 || len(w.Code) > 20 {
		t.fail(code.pos, "want a code of 16 to 20 digits in quotes")
	}
	w.Balance = t.above(n.key("balance"), "a balance above 0.00")
	return w
}

// Wallet is the wallet of that name, the first for ""; nil: unknown.
func (l *Library) Wallet(name string) *Wallet {
	for i := range l.wallets {
		if w := &l.wallets[i]; w.Name == name || name == "" {
			return w
		}
	}
	return nil
}

// accounts are the wallets as their issuer has them.
func (l *Library) accounts(p *terminal.Profile) (all []host.Wallet) {
	for _, w := range l.wallets {
		all = append(all, host.Wallet{Name: w.Name, Code: w.Code, Currency: p.Currency, Balance: int64(w.Balance)})
	}
	return all
}
