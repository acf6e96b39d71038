// Package wellformed judges SIP messages before they are parsed: it finds what
// RFC 3261 section 25 does not allow, and says what RFC 4475 expects of an element
// that gets such a message. The parser that comes after it is of another mind: it
// drops what it cannot read without a word, and lets pass much that it should not.
//
// [Judge] allocates nothing for a message that is in order. It touches no state and
// may be called from anywhere.
package wellformed
