// Package gate judges a lead before it is dialed, and says what becomes of it
// after. It is pure: rules, a lead and the time go in, a verdict with its reason
// in words comes out. It keeps no state and may be used by any goroutine.
//
// The first half (Judge) protects the person who is called: hours by their own
// clock, a limit of attempts by day and in all. The second (Next) is the
// campaign's persistence: when to try again, by how the attempt ended.
package gate
