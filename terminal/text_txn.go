package terminal

// txnTexts are the texts of the menu and of everything that is no plain sale.
var txnTexts = map[Key]entry{
	"menu":        {"MENU", "菜单"},
	"choice":      {"%d %s", "%d %s"},
	"menu-sales":  {"SALES", "消费"},
	"menu-sale":   {"SALE", "消费"},
	"confirm":     {"ENTER: YES  CANCEL: NO", "确认:是 取消:否"},
	"wrong-entry": {"WRONG ENTRY", "输入有误"},
}
