package terminal

// batchTexts are the texts of batches, hosts, the queue and people.
var batchTexts = map[Key]entry{
	"menu-host":    {"HOST", "主机"},
	"menu-sign-on": {"SIGN-ON", "签到"},
}
