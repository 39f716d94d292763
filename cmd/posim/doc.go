// Command posim is a POS terminal in software: it runs scripted card sessions in virtual time against a small payment
// world and says, for each, where the money is.
//
// Start with `posim run`. Results go to standard output, everything else to standard error as "posim: ..."; the exit
// status is 0 when all is well, 1 when a scenario failed or an input could not be decoded, 2 for a misuse or a script
// that does not parse. There is one file for each command.
//
// Everything that leaves the program, files included, passes the masking writer of internal/pan. The program is not a
// certified terminal: it takes test cards and test keys only, and what listens does so on loopback
// unless it is told otherwise.
package main
