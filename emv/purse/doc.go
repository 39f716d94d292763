// Package purse takes an offline electronic purse through one tap: a chip that holds money of its own, debits itself and gives
// a cryptogram (TC) for it, with nobody asked.
//
//	result, err := purse.Pay(card, terminal, request)
//	if result.Stage == purse.Torn { ... } // ask for the card again, and
//	result, err = purse.Resume(card, terminal, request, *result.Torn)
//
// The card debits itself when it answers the last READ RECORD. Before that command nothing can have been debited; once it has
// been sent and no answer came, nobody but the card knows. So the kernel hands out all that a later tap needs (Torn) before it
// sends that command, and Resume asks the card itself: its counter and its balance say what became of the transaction.
//
// Everything that can be refused is refused before the last record: numbers, dates, certificates, limits. Only the card's own
// signature cannot be judged earlier, because what it covers is in that record.
//
// The shape is that of PBOC electronic cash paid by tap (qPBOC) and of EMV Contactless kernels 3 and 7, of which it is one
// narrow path: no online purse transaction, no load, no cardholder verification, no other kernel, no entry point beside the
// directory. Nothing here is certified by anybody. Standards: EMV 4.4 Books 1 to 3; EMV Contactless Book B, 3 (PPSE).
package purse
