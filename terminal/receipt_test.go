package terminal

import (
	"strings"
	"testing"
)

func TestTheReceipt(t *testing.T) {
	p, err := ParseProfile("generic", []byte(generic(t)))
	must(t, err)
	tm := &Terminal{profile: p}
	r := &Record{STAN: "000123", Date: "0302", Time: "140511", Year: 2026, Amount: 100_00, Card: "476173******0119", Entry: "0051", State: Approved,
		RRN: "606114000001", Auth: "000001", Label: "VISA CREDIT", AID: "A0000000031010", TVR: "8000040000", TSI: "7800", CryptogramType: "TC",
		Cryptogram: "47A955440A22B557", CVM: cvmSignature}
	for _, c := range []struct {
		name string
		copy Copy
		lang Lang
		want string
	}{
		{"the merchant's copy has the line to sign", MerchantCopy, English, `SIMULATION NO VALUE
MERCHANT COPY
POSIM TEST SHOP
MERCHANT SIM000000000001
TERMINAL SIM00001
SALE
CARD 476173******0119 /I
CHIP
VISA CREDIT
AID A0000000031010
TVR 8000040000 TSI 7800
TC 47A955440A22B557
DATE 2026-03-02 14:05:11
STAN 000123
RRN 606114000001
AUTH 000001
AMOUNT 100.00
SIGNATURE ______________
SIMULATION NO VALUE`},
		{"the customer's copy shows the last four digits only", CustomerCopy, Chinese, `模拟交易 无价值
持卡人存根
模拟测试商户
商户编号 SIM000000000001
终端编号 SIM00001
消费
卡号 ************0119 /I
芯片
VISA CREDIT
AID A0000000031010
TVR 8000040000 TSI 7800
TC 47A955440A22B557
日期 2026-03-02 14:05:11
凭证号 000123
参考号 606114000001
授权码 000001
金额 100.00
模拟交易 无价值`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := tm.compose(r, c.copy, false).In(c.lang); got != c.want {
				t.Errorf("got:\n%s", got)
			}
		})
	}
	again := tm.compose(r, MerchantCopy, true)
	if !strings.Contains(again.In(English), "REPRINT") || !strings.Contains(again.In(Chinese), "重打印") {
		t.Error("a reprint does not say so")
	}
	if string(again.Keys()) == string(tm.compose(r, CustomerCopy, true).Keys()) {
		t.Error("the two copies have the same keys")
	}
}

func TestTheReceiptSaysHowCardAndCardholderWereTaken(t *testing.T) {
	p, err := ParseProfile("generic", []byte(generic(t)))
	must(t, err)
	for _, c := range []struct{ name, entry, cvm, en, zh, not string }{
		{"a chip and its own PIN", "0051", cvmOfflinePIN, "CHIP\nVERIFIED BY OFFLINE PIN", "芯片\n已凭脱机密码", "SIGNATURE"},
		{"both", "0051", cvmOfflineSignature, "VERIFIED BY OFFLINE PIN\nSIGNATURE", "已凭脱机密码\n签名", "NO CARDHOLDER"},
		{"a PIN that nobody saw", "0051", cvmUnseen, "PIN NOT VERIFIED", "密码未经核验", "VERIFIED BY"},
		{"a verification that failed", "0051", cvmFailed, "CARDHOLDER NOT VERIFIED", "未核验持卡人", "NO CARDHOLDER"},
		{"nothing wanted", "0052", cvmNone, "NO CARDHOLDER VERIFICATION", "免密免签", "SIGNATURE"},
		{"a stripe and the issuer's PIN", "0901", cvmPIN, "/S\nSWIPED\nVERIFIED BY ONLINE PIN", "/S\n刷卡\n已凭联机密码", "CHIP"},
		{"a fallback", "0801", cvmSignature, "/F\nSWIPED, CHIP NOT READABLE\nSIGNATURE", "/F\n降级刷卡,芯片无法读取\n签名", "VERIFIED BY"},
		{"track 1 alone", "0022", cvmSignature, "/S\nSWIPED, TRACK 1\nSIGNATURE", "/S\n刷卡,一磁道\n签名", "CHIP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Record{STAN: "000123", Date: "0302", Time: "140511", Card: "476173******0119", Entry: c.entry, CVM: c.cvm, State: Approved}
			var kept []string // of how it was taken
			for _, l := range []Lang{English, Chinese} {
				var lines []string
				for _, text := range (&Terminal{profile: p}).compose(r, MerchantCopy, false).Lines {
					switch text.Key {
					case "r-card", "r-entry", "r-pin", "r-offline-pin", "r-pin-unseen", "r-not-verified", "r-no-cvm", "r-signature":
						lines = append(lines, text.In(l))
					}
				}
				kept = append(kept, strings.Join(lines, "\n"))
			}
			if !strings.Contains(kept[0], c.en) || !strings.Contains(kept[1], c.zh) || strings.Contains(kept[0], c.not) {
				t.Errorf("got:\n%s\n%s", kept[0], kept[1])
			}
		})
	}
}

func TestAmount(t *testing.T) {
	for minor, want := range map[int64]string{0: "0.00", 5: "0.05", 100: "1.00", -1: "-0.01", 123456: "1234.56"} {
		if got := Amount(minor); got != want {
			t.Errorf("%d: %s, want %s", minor, got, want)
		}
	}
}
