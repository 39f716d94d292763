package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim/emv/card"
)

// slowKey is when somebody wants to know that something is happening.
const slowKey = time.Second

func (a *app) cardKeysCommand() *cobra.Command {
	var sizes card.KeySizes
	var rid, index, out, public string
	c := &cobra.Command{
		Use: "keys", Short: "make a file of test keys for cards, or print the public part of one", Args: none,
		Long: "Makes a chain of RSA test keys (a certification authority, an issuer, a card, and perhaps a key for PIN\n" +
			"encipherment), as card profiles name it with keys: NAME. Lengths are in bits: each at most as long as the key that\n" +
			"certifies it. With --public FILE it prints what a terminal needs of such a file: the authority's public key.",
		Example: "  posim card keys --out mine.yaml\n" +
			"  posim card keys --rid A000000999 --index C1 --authority 1984 --issuer 1408 --icc 1152 --icc-exponent 65537 --out long.yaml\n" +
			"  posim card keys --icc 1024 --pin 768 --out with-pin-key.yaml\n" +
			"  posim card keys --icc 0 --out sda-only.yaml\n" +
			"  posim card keys --public mine.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			if public != "" {
				if c.Flags().NFlag() > 1 {
					return misuse("card keys: --public stands alone")
				}
				return a.cardKeysPublic(public)
			}
			if out == "" {
				return misuse("card keys: want --out FILE or --public FILE")
			}
			r, err := hex.DecodeString(rid)
			if err != nil || len(r) != len(sizes.RID) {
				return misuse("card keys: --rid %q: want ten hexadecimal digits", rid)
			}
			i, err := hex.DecodeString(index)
			if err != nil || len(i) != 1 {
				return misuse("card keys: --index %q: want two hexadecimal digits", index)
			}
			sizes.RID, sizes.Index = [5]byte(r), i[0]
			return a.cardKeys(sizes, out)
		},
	}
	f := c.Flags()
	f.IntVar(&sizes.Authority, "authority", 1408, "bits of the authority's key, 512 to 1984")
	f.IntVar(&sizes.Issuer, "issuer", 1152, "bits of the issuer's key, at most 1976")
	f.IntVar(&sizes.ICC, "icc", 1024, "bits of the card's key; 0: none, for static data authentication only")
	f.IntVar(&sizes.PIN, "pin", 0, "bits of a key for PIN encipherment; 0: none")
	f.IntVar(&sizes.Exponent, "exponent", 3, "public exponent of authority and issuer: 3 or 65537")
	f.IntVar(&sizes.ICCExponent, "icc-exponent", 3, "public exponent of the card's own keys: 3 or 65537")
	f.StringVar(&rid, "rid", "A000000999", "registered application provider that the authority certifies for")
	f.StringVar(&index, "index", "C1", "index of the authority's key")
	f.StringVar(&out, "out", "", "file to write, which must not be there")
	f.StringVar(&public, "public", "", "key file whose public part is printed")
	return c
}

func (a *app) cardKeys(sizes card.KeySizes, out string) error {
	if err := sizes.Validate(); err != nil {
		return misuse("%w", err)
	}
	if _, err := os.Lstat(out); err == nil {
		return misuse("card keys: %s is there already", out)
	}
	start := a.now()
	src, err := card.GenerateKeys(rand.Reader, sizes, func(name string) {
		if took := a.now().Sub(start); took > slowKey {
			fmt.Fprintf(a.stderr, "posim: %s key made after %.1f s\n", name, took.Seconds())
		}
	})
	if err != nil {
		return failed(err)
	}
	// The file holds private keys: for its owner only, and never over another.
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return misuse("card keys: %s is there already", out)
	}
	if err != nil {
		return misuse("card keys: %w", err)
	}
	_, err = f.Write(src)
	if err := errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(out) // half a key file is none
		return failed(err)
	}
	return nil
}

func (a *app) cardKeysPublic(name string) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return misuse("card keys: %w", err)
	}
	k, err := card.ParseKeys(name, src)
	if err != nil {
		return failed(err)
	}
	return a.print(k.PublicYAML())
}
