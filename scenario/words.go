package scenario

import "github.com/posim/posim/terminal"

// Words is a text in both languages.
type Words struct{ En, Zh string }

// In is the text in one of them.
func (w Words) In(lang terminal.Lang) string {
	if lang == terminal.Chinese {
		return w.Zh
	}
	return w.En
}
