package registrar

import (
	"errors"
	"net/netip"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

const maxPath = 8 // proxies between a phone and us

var errPath = errors.New("registrar: bad Path")

// parsePath reads the values of the Path fields of a REGISTER: the URIs of the
// proxies that calls have to pass, in the order of passing them (RFC 3327
// section 4). They become the Route of every call.
func parsePath(values []string) ([]string, error) {
	var out []string
	for _, rest := range values {
		for rest = strings.TrimSpace(rest); rest != ""; {
			open := strings.IndexByte(rest, '<')
			end := strings.IndexByte(rest, '>')
			if open < 0 || end < open || len(out) == maxPath || strings.ContainsAny(rest[:open], ",;") {
				return nil, errPath
			}
			var uri sipgo.Uri
			if err := sipgo.ParseUri(rest[open+1:end], &uri); err != nil {
				return nil, errPath
			}
			if _, err := checkURI(&uri); err != nil {
				return nil, errPath
			}
			out = append(out, uri.String())
			// Parameters of the field itself mean nothing to us.
			_, rest, _ = strings.Cut(rest[end+1:], ",")
			rest = strings.TrimSpace(rest)
		}
	}
	return out, nil
}

// pathAddr returns the address that a Path URI names, if it does not need a name
// service for it.
func pathAddr(path string) netip.AddrPort {
	var uri sipgo.Uri
	if err := sipgo.ParseUri(path, &uri); err != nil {
		return netip.AddrPort{}
	}
	addr, _ := checkURI(&uri) // it was checked when it came
	return addr
}
