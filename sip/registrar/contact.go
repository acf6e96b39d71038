package registrar

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

const (
	maxURI      = 512 // bytes of a Contact or Path URI
	maxWishes   = 32  // Contacts of one REGISTER
	maxInstance = 128 // bytes of +sip.instance
	fullQ       = 1000
)

// Contact is where a user can be reached.
type Contact struct {
	URI      string // as registered
	Q        int    // thousandths, 0 to 1000: the higher is called first
	Instance string // +sip.instance: the phone, whatever its address (RFC 5626 section 4.1); "" if it has none
	RegID    int    // reg-id: which of its flows (RFC 5626 section 4.2); 0: none
	Path     []string

	Source    netip.AddrPort // where the REGISTER came from
	Local     netip.AddrPort // the listener where it came in
	Transport string         // "udp", "tcp", "tls", "ws" or "wss"

	// Addr is where calls are sent when no connection from Source is open. Invalid:
	// that connection is the only way.
	Addr netip.AddrPort

	UserAgent string
	Expires   time.Time
	CallID    string // of the REGISTER, with its CSeq number
	Seq       uint32
}

// wish is one Contact of a REGISTER.
type wish struct {
	Contact
	left     time.Duration  // asked for; 0: to be removed
	hostPort netip.AddrPort // of URI, if its host is an address
}

var errContact = errors.New("registrar: bad Contact")

// parseWishes reads the Contacts of a REGISTER. all: "Contact: *", everything is to
// be removed.
func (r *Registrar) parseWishes(req *sipgo.Request) (wishes []wish, all bool, err error) {
	standard := r.cfg.MaxExpires
	if d, ok := header.ParseSeconds(text(req, "Expires")); ok {
		standard = d
	}
	fields := req.GetHeaders("Contact")
	if len(fields) > maxWishes {
		return nil, false, errContact
	}
	for _, h := range fields {
		c, ok := h.(*sipgo.ContactHeader)
		if !ok {
			return nil, false, errContact
		}
		if c.Address.Wildcard {
			all = true
			continue
		}
		w, err := parseWish(&c.Address, c.Params, standard)
		if err != nil {
			return nil, false, err
		}
		wishes = append(wishes, w)
	}
	if all && (len(wishes) > 0 || standard != 0) {
		return nil, false, errContact // RFC 3261 section 10.2.2
	}
	return wishes, all, nil
}

func parseWish(uri *sipgo.Uri, params sipgo.HeaderParams, standard time.Duration) (wish, error) {
	w := wish{left: standard}
	hostPort, err := checkURI(uri)
	if err != nil {
		return w, err
	}
	w.URI, w.hostPort, w.Q = uri.String(), hostPort, fullQ
	for _, p := range params {
		value := strings.TrimSpace(p.V)
		switch strings.ToLower(strings.TrimSpace(p.K)) {
		case "expires":
			if d, ok := header.ParseSeconds(value); ok {
				w.left = d
			}
		case "q":
			if q, err := strconv.ParseFloat(value, 64); err == nil && q >= 0 && q <= 1 {
				w.Q = int(q*fullQ + 0.5)
			}
		case "+sip.instance":
			w.Instance = strings.Trim(value, `"`)
			if len(w.Instance) > maxInstance || strings.ContainsAny(w.Instance, "\"\\\r\n") {
				return w, errContact
			}
		case "reg-id":
			if n, err := strconv.ParseUint(value, 10, 31); err == nil {
				w.RegID = int(n)
			}
		}
	}
	if w.Instance == "" {
		w.RegID = 0 // RFC 5626 section 6: it means nothing alone
	}
	return w, nil
}

// checkURI refuses a URI that is no place to call, or that would make us send
// something else than calls: to a group, with headers, by another method. What it
// passes is read again as it was printed: who reads "sip:a:@b" writes "sip:a@b".
func checkURI(uri *sipgo.Uri) (hostPort netip.AddrPort, err error) {
	s := uri.String()
	switch {
	case uri.Scheme != "sip" && uri.Scheme != "sips":
		return hostPort, fmt.Errorf("%w: scheme", errContact)
	case uri.Host == "" || uri.Port < 0 || uri.Port > 65535 || len(s) > maxURI:
		return hostPort, errContact
	case strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c == '<' || c == '>' || c == '"' || c == 0x7f }) >= 0:
		return hostPort, errContact
	case len(uri.Headers) > 0 || uri.UriParams.Has("method") || uri.UriParams.Has("maddr"):
		return hostPort, fmt.Errorf("%w: not a plain address", errContact)
	case !survives(uri):
		return hostPort, fmt.Errorf("%w: ambiguous", errContact)
	}
	ip, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if err != nil {
		return hostPort, nil // a name; calls go to where the REGISTER came from
	}
	ip = ip.Unmap()
	if ip.IsUnspecified() || ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return hostPort, fmt.Errorf("%w: %s", errContact, ip)
	}
	port := uint16(uri.Port)
	if port == 0 {
		port = 5060
	}
	return netip.AddrPortFrom(ip, port), nil
}

// survives reports whether a URI is the same when what is printed of it has been read, in
// its parts too: "sip:@0@;" reads as one with the host "0@", and as the user 0 of no host
// once it has been printed.
func survives(uri *sipgo.Uri) bool {
	var u sipgo.Uri
	s := uri.String()
	return sipgo.ParseUri(s, &u) == nil && u.String() == s && u.User == uri.User && u.Host == uri.Host && u.Port == uri.Port
}

// reach returns Addr. It is never another host than the REGISTER came from.
// symmetric: the phone receives at the port that it sends from (RFC 3581).
func (w *wish) reach(symmetric bool) netip.AddrPort {
	if len(w.Path) > 0 {
		if proxy := pathAddr(w.Path[0]); proxy.Addr() == w.Source.Addr() {
			return proxy
		}
		if w.Transport == "udp" {
			return w.Source
		}
		return netip.AddrPort{}
	}
	direct := w.hostPort.Addr() == w.Source.Addr() // no NAT in between
	switch w.Transport {
	case "udp":
		if direct && !symmetric {
			return w.hostPort
		}
		return w.Source
	case "tcp":
		if direct && w.hostPort.Port() != w.Source.Port() {
			return w.hostPort // it listens, on another port than it connects from
		}
	}
	return netip.AddrPort{}
}

// replaces reports whether an old contact is the one that w is about.
func (w *wish) replaces(old Contact) bool {
	if w.Instance != "" && w.Instance == old.Instance {
		return w.RegID == old.RegID
	}
	if key(w.URI) == key(old.URI) {
		return true
	}
	// One socket is one phone: it was started anew, and made up another Contact.
	return len(w.Path) == 0 && len(old.Path) == 0 && w.flow() == old.flow() && w.CallID != old.CallID
}

// key is what two URIs have in common that mean the same place (RFC 3261 section
// 19.1.4, as far as it matters here).
func key(s string) string {
	var u sipgo.Uri
	if err := sipgo.ParseUri(s, &u); err != nil {
		return s
	}
	return strings.Join([]string{u.Scheme, u.User, strings.ToLower(u.Host), strconv.Itoa(u.Port), strings.ToLower(u.UriParams.GetOr("transport", ""))}, "\x00")
}

// same reports whether c and d differ in nothing but how long they last.
func (c Contact) same(d Contact) bool {
	return c.URI == d.URI && c.Q == d.Q && c.Instance == d.Instance && c.flow() == d.flow() && c.Addr == d.Addr
}

// field writes the contact as a Contact of a 200 response.
func (c Contact) field(now time.Time) string {
	s := "<" + c.URI + ">"
	if c.Q != fullQ {
		s += ";q=" + strconv.FormatFloat(float64(c.Q)/fullQ, 'f', -1, 64)
	}
	if c.Instance != "" {
		s += `;+sip.instance="` + c.Instance + `"`
	}
	if c.RegID > 0 {
		s += ";reg-id=" + strconv.Itoa(c.RegID)
	}
	return s + ";expires=" + header.Seconds(max(time.Second, c.Expires.Sub(now).Round(time.Second)))
}
