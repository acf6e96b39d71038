package vault

import "errors"

// What can go wrong; errors that come out of this package wrap one of these where a caller
// may want to tell them apart.
var (
	// ErrRecipient: the text names nobody to whom could be encrypted.
	ErrRecipient = errors.New("vault: not a recipient")
	// ErrIdentity: a file holds no identity that could decrypt.
	ErrIdentity = errors.New("vault: not an identity")
	// ErrNotEncrypted: the file is of neither form.
	ErrNotEncrypted = errors.New("vault: not an encrypted recording of ours")
	// ErrNotFor: none of the identities is one of the file's recipients.
	ErrNotFor = errors.New("vault: it is encrypted to others than these identities")
	// ErrDamaged: the file was altered, or cut off where no crash does that.
	ErrDamaged = errors.New("vault: the file is damaged")
)
