package resolve

import (
	"bufio"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// settleTime is how often the system's files are looked at for a change.
const settleTime = 5 * time.Second

// system is the machine's own idea of names: /etc/resolv.conf and /etc/hosts.
type system struct {
	fixed []netip.AddrPort // name servers given instead of the machine's

	mu     sync.Mutex // protects the fields below
	conf   watched
	hosts  watched
	dns    []netip.AddrPort
	search *dns.ClientConfig // nil: no search list
	static map[string][]netip.Addr
}

// watched is a file that is read again when it has changed.
type watched struct {
	path    string
	looked  time.Time
	changed time.Time
}

func newSystem(fixed []netip.AddrPort) *system {
	return &system{fixed: fixed, conf: watched{path: "/etc/resolv.conf"}, hosts: watched{path: "/etc/hosts"}}
}

// open returns the file if it is new or has changed, else nil.
func (w *watched) open() io.ReadCloser {
	now := time.Now()
	if now.Sub(w.looked) < settleTime {
		return nil
	}
	w.looked = now
	info, err := os.Stat(w.path)
	if err != nil || info.ModTime().Equal(w.changed) {
		return nil
	}
	f, err := os.Open(w.path)
	if err != nil {
		return nil
	}
	w.changed = info.ModTime()
	return f
}

// servers returns the name servers in the order to ask them.
func (s *system) servers() []netip.AddrPort {
	if len(s.fixed) > 0 {
		return s.fixed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readConf()
	return s.dns
}

// candidates returns the full names that a host name may stand for, by the
// machine's search list.
func (s *system) candidates(host string) []string {
	if len(s.fixed) > 0 {
		return []string{host}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readConf()
	if s.search == nil {
		return []string{host}
	}
	var out []string
	for _, name := range s.search.NameList(host) {
		out = append(out, strings.ToLower(strings.TrimSuffix(name, ".")))
	}
	return out
}

// readConf reads resolv.conf. s.mu is held.
func (s *system) readConf() {
	if f := s.conf.open(); f != nil {
		defer f.Close()
		s.dns, s.search = nil, nil
		if conf, err := dns.ClientConfigFromReader(f); err == nil {
			s.search = conf
			for _, server := range conf.Servers {
				if a, err := netip.ParseAddr(server); err == nil {
					s.dns = append(s.dns, netip.AddrPortFrom(a, 53))
				}
			}
		}
	}
	if len(s.dns) == 0 {
		s.dns = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")} // resolv.conf(5)
	}
}

// known returns the addresses of a host in /etc/hosts.
func (s *system) known(host string) []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.hosts.open(); f != nil {
		defer f.Close()
		s.static = parseHosts(f)
	}
	return s.static[host]
}

// parseHosts reads a hosts(5) file: an address and its names on each line.
func parseHosts(file io.Reader) map[string][]netip.Addr {
	out := map[string][]netip.Addr{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		a, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		for _, name := range fields[1:] {
			name = strings.ToLower(strings.TrimSuffix(name, "."))
			out[name] = append(out[name], a.Unmap())
		}
	}
	return out
}
