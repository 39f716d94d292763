// Package tlv reads and writes the BER-TLV data objects of EMV, fills data object lists, and knows the dictionary of data
// elements by the names of the book.
//
// Start with a Reader on the hot path: it walks one level of a template, allocates nothing and owns nothing. Decode gives a
// whole tree for tools, Render prints one for people. FillDOL builds what a card asked for with a DOL.
//
// Standards: EMV 4.4 Book 3, 4.3 (formats), 5.4 (data object lists), Annex A (data elements), Annex B (BER-TLV), Annex C
// (coding of bits). Tags of up to three bytes and lengths of up to three bytes are read; the indefinite length is refused.
// The package does not judge whether a value makes sense: that is the kernel's matter.
package tlv
