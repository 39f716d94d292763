package terminal

import (
	"fmt"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// profileFile is the form of a profile's file.
type profileFile struct {
	TID            string            `yaml:"tid"`
	MID            string            `yaml:"mid"`
	Merchant       string            `yaml:"merchant"`
	MerchantZh     string            `yaml:"merchant_zh"`
	Currency       string            `yaml:"currency"`
	Dialect        string            `yaml:"dialect"`
	Switches       map[string]string `yaml:"switches"`
	Reason         string            `yaml:"reversal_reason"`
	Restamp        bool              `yaml:"restamp"`
	TPDU           string            `yaml:"tpdu"`
	Header         *headerFile       `yaml:"header"`
	AnswerWait     span              `yaml:"answer_wait"`
	ReversalWait   span              `yaml:"reversal_wait"`
	RetryPause     span              `yaml:"retry_pause"`
	AdviceInterval span              `yaml:"advice_interval"`
	CardWait       span              `yaml:"card_wait"`
	Attempts       int               `yaml:"attempts"`
	MaxAmount      int64             `yaml:"max_amount"`
	Fallback       fallbackFile      `yaml:"fallback"`
	Security       securityFile      `yaml:"security"`
	EntryModes     *[]string         `yaml:"entry_modes"`
	Functions      *[]string         `yaml:"functions"`
	VoidCard       *bool             `yaml:"void_card"`
	VoidPIN        *bool             `yaml:"void_pin"`
	RefundCard     *bool             `yaml:"refund_card"`
	Partial        *bool             `yaml:"partial_approval"`
	Completion     *int              `yaml:"completion_percent"`
	Tip            *int              `yaml:"tip_percent"`
	Offline        offlineFile       `yaml:"offline"`
	BatchLimit     *int              `yaml:"batch_limit"`
	Carry          bool              `yaml:"carry"`
	HomeScheme     string            `yaml:"home_scheme"`
	SAF            safFile           `yaml:"saf"`
	Purse          *purseFile        `yaml:"purse"`
	Operators      operatorsFile     `yaml:"operators"`
	Receipt        string            `yaml:"receipt"`
	Language       string            `yaml:"language"`
	Signature      string            `yaml:"signature"`
	Fee            string            `yaml:"fee"`
	Settlement     string            `yaml:"settlement"`
	EMV            kernelFile        `yaml:"emv"`
}

type headerFile struct {
	Application string `yaml:"application"`
	Version     string `yaml:"version"`
	SubVersion  string `yaml:"sub_version"`
}

type securityFile struct {
	Keys       string `yaml:"keys"`
	PINBlock   string `yaml:"pin_block"`
	MAC        string `yaml:"mac"`
	MACPadding int    `yaml:"mac_padding"`
}

type offlineFile struct {
	MaxCount *int   `yaml:"max_count"`
	MaxTotal *int64 `yaml:"max_total"`
}

type safFile struct {
	First      bool  `yaml:"first"`
	Attempts   *int  `yaml:"attempts"`
	Backoff    *int  `yaml:"backoff"`
	MaxBackoff *span `yaml:"max_backoff"`
}

type purseFile struct {
	Limit  *int64 `yaml:"limit"`
	Window *span  `yaml:"window"`
}

type operatorsFile struct {
	Required bool  `yaml:"required"`
	MaxWrong *int  `yaml:"max_wrong"`
	Lock     *span `yaml:"lock"`
}

type kernelFile struct {
	Country      string `yaml:"country"`
	Type         string `yaml:"type"`
	Capabilities string `yaml:"capabilities"`
	Additional   string `yaml:"additional_capabilities"`
	Category     string `yaml:"category"`
	IFDSerial    string `yaml:"ifd_serial"`

	AutoSelect     *bool    `yaml:"auto_select"`
	NoConfirmation bool     `yaml:"no_confirmation"`
	CDAMode        int      `yaml:"cda_mode"`
	Languages      []string `yaml:"languages"`
	CAPublicKeys   []struct {
		RID      string `yaml:"rid"`
		Index    string `yaml:"index"`
		Modulus  string `yaml:"modulus"`
		Exponent string `yaml:"exponent"`
		Checksum string `yaml:"checksum"`
	} `yaml:"ca_public_keys"`
	Revoked []struct {
		RID    string `yaml:"rid"`
		Index  string `yaml:"index"`
		Serial string `yaml:"serial"`
	} `yaml:"revoked"`
	ExceptionFile []struct {
		PAN string `yaml:"pan"`
		PSN string `yaml:"psn"`
	} `yaml:"exception_file"`
	Applications []struct {
		AID        string `yaml:"aid"`
		Partial    bool   `yaml:"partial"`
		Version    string `yaml:"version"`
		TACDenial  string `yaml:"tac_denial"`
		TACOnline  string `yaml:"tac_online"`
		TACDefault string `yaml:"tac_default"`
		FloorLimit int64  `yaml:"floor_limit"`
		Target     int    `yaml:"target_percent"`
		MaxTarget  int    `yaml:"max_target_percent"`
		Threshold  int64  `yaml:"threshold"`

		DefaultDDOL string `yaml:"default_ddol"`
		DefaultTDOL string `yaml:"default_tdol"`
	} `yaml:"applications"`
}

// span is a duration that knows its place when it is none.
type span time.Duration

// UnmarshalYAML reads "60s".
func (s *span) UnmarshalYAML(node ast.Node) error {
	d, err := time.ParseDuration(node.GetToken().Value)
	if err != nil {
		return at(node.GetToken(), fmt.Errorf("%q: want %s", node.GetToken().Value, aDuration))
	}
	*s = span(d)
	return nil
}
