// Package scenario turns a script into a run of the house and judges it.
//
// A script is a strict YAML file that says what a cardholder, a clerk and the weather do, which
// faults strike, and where the money must be at the end. Start with [Parse]; [Script.Variants] gives the runs that an
// "each:" stands for, [ParseFault] reads one fault of the grammar SEAM[EVENT#N].KIND(ARG), and [Script.Errorf] quotes
// the line whose expectation failed.
//
// Everything a script can get wrong is found before anything runs, and is an [*Error] with file, line and column, the
// line itself and a caret under the place. There is no standard for scripts; ISO 8583:1987 gives the message types and
// data elements, EMV 4.4 Book 3 the commands and tags that a fault or an expectation may name.
//
// [Library.Run] plays a script in a house of its own and judges it; [Library.Replay] plays one run again by its id.
// [Library.Explore] lists the events of scripts and tries every fault of the [Catalogue] at each of them, with the
// invariants of the money as the only judge; a swarm does the same with scripts and faults that a seed draws.
//
// A script holds test cards and test PINs only. It does not say how a party works inside, and what a foreign host or a
// plastic card cannot show it cannot expect.
package scenario
