package cdr

// Consent says whether a customer was told that the call is recorded, where the
// configuration wants that.
type Consent string

// The values. It is empty where nobody was to be told, or the call ended before all was
// said.
const (
	ConsentTold    Consent = "told"    // the prompt was played to its end, and not objected to
	ConsentRefused Consent = "refused" // by a key: what was recorded has been removed
)
