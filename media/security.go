package media

import "fmt"

// Security says whether the packets of a session are encrypted: SRTP (RFC 3711) with
// keys in the session descriptions (RFC 4568). Who can read those can listen, so that
// they want signalling over TLS.
type Security uint8

// The kinds of security.
const (
	// SecurityOff: plain RTP; an offer of nothing but SRTP is refused.
	SecurityOff Security = iota
	// SecurityOptional: SRTP where the far side can. Our offers have keys on a line of
	// RTP/AVP, as telephones do and as those without SRTP understand; offers of either
	// kind are taken.
	SecurityOptional
	// SecurityRequired: SRTP or nothing. Our offers are of RTP/SAVP.
	SecurityRequired
)

// String is the word for s in the configuration.
func (s Security) String() string { return [...]string{"off", "optional", "required"}[s] }

// ParseSecurity returns the security of that name: off, optional or required.
func ParseSecurity(name string) (Security, error) {
	for s := SecurityOff; s <= SecurityRequired; s++ {
		if name == s.String() {
			return s, nil
		}
	}
	return SecurityOff, fmt.Errorf("media: no security %q", name)
}

// security is the part of a negotiation that is about keys. The negotiation's lock
// guards it.
type security struct {
	wanted Security
	local  [len(cryptoSuites)]*cipher // what we send with, by suite: a key is used with one suite only
	remote *cipher                    // what the far side sends with; nil: plain, or not agreed yet
	proto  string                     // of the line agreed on; "" before
	tag    uint32                     // answers: of the attribute chosen
}

// offers are our crypto attributes in an offer.
func (k *security) offers() []cryptoOffer {
	if k.wanted == SecurityOff {
		return nil
	}
	var offers []cryptoOffer
	for i := range cryptoSuites {
		if c, err := k.sender(i); err == nil {
			offers = append(offers, cryptoOffer{tag: uint32(i + 1), suite: i, key: c.key})
		}
	}
	return offers
}

// profile is the transport of our offers: that agreed on, so that a party that insists
// on it is not startled.
func (k *security) profile() string {
	switch {
	case k.remote != nil:
		return k.proto
	case k.wanted == SecurityRequired:
		return "RTP/SAVP"
	}
	return "RTP/AVP"
}

// sender is the cipher of what we send under a suite.
func (k *security) sender(suite int) (c *cipher, err error) {
	if k.local[suite] == nil {
		k.local[suite], err = newCipher(suite, newMasterKey())
	}
	return k.local[suite], err
}

// suits reports whether a line is as secure as is wanted, and no more than can be.
// Those under a secure profile need a key.
func (k *security) suits(line *mediaLine) bool {
	switch k.wanted {
	case SecurityOff:
		return !line.secure
	case SecurityOptional:
		return !line.secure || len(line.crypto) > 0
	}
	return len(line.crypto) > 0
}

// choose picks the attribute of an offer to answer: the first that we have.
func (k *security) choose(line *mediaLine) (c cryptoOffer, ok bool) {
	if k.wanted == SecurityOff || len(line.crypto) == 0 {
		return c, false
	}
	return line.crypto[0], true
}

// agree takes what the far side sends with. It returns the ciphers of both directions,
// nil for plain packets. A key that stays keeps its cipher, and so its rollover counter
// and its memory of replays.
func (k *security) agree(line *mediaLine, answering bool) (send, receive *cipher, err error) {
	c, ok := k.choose(line)
	if !ok {
		k.remote, k.proto = nil, line.proto
		return nil, nil, nil
	}
	if !answering && (c.tag == 0 || int(c.tag) > len(cryptoSuites) || int(c.tag)-1 != c.suite) {
		return nil, nil, fmt.Errorf("%w: the answer's key is tagged %d, which is not an offer of ours of that suite", ErrSecurity, c.tag)
	}
	if !k.remote.is(c.suite, c.key) {
		replaced := k.remote != nil
		if receive, err = newCipher(c.suite, c.key); err != nil {
			return nil, nil, err
		}
		if replaced && answering {
			// Whoever is new there begins our stream with a rollover counter of zero.
			k.local = [len(cryptoSuites)]*cipher{}
		}
		k.remote = receive
	}
	k.proto, k.tag = line.proto, c.tag
	if send, err = k.sender(c.suite); err != nil {
		return nil, nil, err
	}
	return send, k.remote, nil
}

// answers is our crypto attribute in an answer: none where packets are plain.
func (k *security) answers() []cryptoOffer {
	if k.remote == nil {
		return nil
	}
	return []cryptoOffer{{tag: k.tag, suite: k.remote.suite, key: k.local[k.remote.suite].key}}
}
