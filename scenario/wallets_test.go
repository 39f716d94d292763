package scenario

import (
	"os"
	"strings"
	"testing"
)

func TestWallets(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"none", "wallets: []\n", "w.yaml:1:10: the list is empty"},
		{"an unknown key", "wallets:\n  - {name: a, zh: b, kode: \"1\"}\n", `w.yaml:2:22: unknown key "kode": want name, zh, code, balance`},
		{"without a balance", "wallets:\n  - {name: a, zh: b, code: \"1340000000000000172\"}\n", `w.yaml:2:5: missing key "balance"`},
		{"a short code", "wallets:\n  - {name: a, zh: b, code: \"134\", balance: 1.00}\n", "w.yaml:2:28: want a code of 16 to 20 digits in quotes"},
		{"one code twice", "wallets:\n  - {name: a, zh: b, code: \"1340000000000000172\", balance: 1.00}\n  - {name: c, zh: b, code: \"1340000000000000172\", balance: 1.00}\n",
			"w.yaml:3:5: wallets a and c have one name or one code"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := parseWallets("w.yaml", []byte(test.text)); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
	l := builtIn(t)
	for _, name := range []string{"wechat", "alipay", "huabei", "jd"} {
		if w := l.Wallet(name); w == nil || w.Name != name || w.Balance <= 0 {
			t.Errorf("wallet %s: %+v", name, w)
		}
	}
	if l.Wallet("cash") != nil {
		t.Error("a wallet that nobody has")
	}
}

func FuzzWallets(f *testing.F) {
	src, err := os.ReadFile("../testdata/wallets.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(src))
	f.Add("wallets:\n  - {name: a, zh: b, code: \"1340000000000000172\", balance: -1.00}\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseWallets("w.yaml", []byte(text))
		if (err == nil) != (len(all) > 0) {
			t.Errorf("%d wallets and %v", len(all), err)
		}
	})
}
