package cdr

// Consent says whether a customer, or a third party who was called in, was told that the
// call is recorded, where the configuration wants that. Each has their own: a third party who
// refuses leaves the customer's as it was, though nothing is kept of the recording.
type Consent string

// The values. It is empty where nobody was to be told, or the call ended before all was
// said.
const (
	ConsentTold    Consent = "told"    // the prompt was played to its end, and not objected to
	ConsentRefused Consent = "refused" // by a key: nothing is kept of what was recorded of them
)
