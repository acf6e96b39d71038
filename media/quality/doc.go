// Package quality measures what a recording of two parties sounds like: how loud each
// speaks (ITU-T P.56, method B), whether they are clipped, who speaks how much, at once
// or not at all, and how long each took to their first word.
//
// A Meter is fed while the recording is written, with the samples as they go into the
// file, and keeps a few kilobytes whatever their number. What counts as speech depends
// on the speaker's level, which is known only at the end: so the meter counts for every
// threshold that may turn out to be the right one, and picks it in Figures.
//
// A Meter is for one goroutine.
package quality
