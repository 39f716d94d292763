package dialect

// cupKeys are the layouts of a sign-on's keys, by their length. That of 84 bytes is from memory of the document.
var cupKeys = map[int]keyCoder{
	24: {[]keySlot{pinSlot(8), macSlot(8)}, 4},
	40: {[]keySlot{pinSlot(16), macSlot(16)}, 4},
	60: {[]keySlot{pinSlot(16), macSlot(16), trackSlot(16)}, 4},
	84: {[]keySlot{pinSlot(24), macSlot(24), trackSlot(24)}, 4},
}
