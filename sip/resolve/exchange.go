package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"ringpace/sip/fault"
)

const (
	tries    = 2  // of each name server
	maxAlias = 16 // length of a chain of CNAMEs
)

// exchange asks one name server after the other until one answers, and returns
// the records and for how long they hold.
func (r *Resolver) exchange(ctx context.Context, k key) ([]dns.RR, time.Duration, error) {
	if k.name == "invalid" || strings.HasSuffix(k.name, ".invalid") {
		return nil, r.cfg.NegativeTTL, fmt.Errorf("%w: %s (names in .invalid do not exist)", ErrNotFound, k) // RFC 6761 section 6.4
	}
	servers := r.system.servers()
	first := int(r.best.Load())
	failed := make([]error, len(servers))
	for n := range tries * len(servers) {
		i := (first + n) % len(servers)
		timeout := r.cfg.Timeout << (n / len(servers))
		answer, err := r.query(ctx, servers[i], k, timeout)
		if err == nil {
			r.best.Store(uint32(i))
			rrs, ttl, err := records(answer, k)
			if err != nil {
				err = fmt.Errorf("%w (%s says so)", err, servers[i])
			}
			return rrs, ttl, err
		}
		failed[i] = err
		if ctx.Err() != nil {
			break
		}
	}
	failed = slices.DeleteFunc(failed, func(err error) bool { return err == nil }) // not asked: no time was left
	return nil, 0, fmt.Errorf("%w for %s: asked %w", ErrNoAnswer, k, &refusals{failed})
}

// refusals are what came of a question at each name server, on one line.
type refusals struct{ errs []error }

func (r *refusals) Error() string {
	words := make([]string, len(r.errs))
	for i, err := range r.errs {
		words[i] = err.Error()
	}
	return strings.Join(words, ", ")
}

func (r *refusals) Unwrap() []error { return r.errs }

// query asks one name server, by TCP again when the answer is too long for UDP
// (RFC 7766 section 5).
func (r *Resolver) query(ctx context.Context, server netip.AddrPort, k key, timeout time.Duration) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, network := range []string{"udp", "tcp"} {
		question := new(dns.Msg).SetQuestion(dns.Fqdn(k.name), k.kind)
		answer, err := send(ctx, network, server, question)
		if err != nil && ctx.Err() != nil {
			err = ctx.Err() // and not what the closed socket says
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s (%w)", server, fault.Plain(err))
		case len(answer.Question) != 1 || !answer.Response || answer.Question[0].Qtype != k.kind ||
			!strings.EqualFold(answer.Question[0].Name, question.Question[0].Name):
			return nil, fmt.Errorf("%s (it answers another question)", server)
		case answer.Truncated && network == "udp":
			continue
		case answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError:
			return nil, fmt.Errorf("%s (it says %s)", server, dns.RcodeToString[answer.Rcode])
		}
		return answer, nil
	}
	return nil, errors.New("unreachable")
}

// send sends one question over a connection of its own: from a port that nobody
// can guess.
func send(ctx context.Context, network string, server netip.AddrPort, question *dns.Msg) (*dns.Msg, error) {
	client := dns.Client{Net: network, UDPSize: dns.MaxMsgSize}
	conn, err := client.DialContext(ctx, server.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	answer, _, err := client.ExchangeWithConnContext(ctx, question, conn)
	return answer, err
}

// records takes the records asked for out of an answer, along its CNAMEs, and how
// long they hold: the least TTL on the way; for an answer without records that
// of its SOA (RFC 2308 section 5).
func records(answer *dns.Msg, k key) ([]dns.RR, time.Duration, error) {
	name, ttl := dns.Fqdn(k.name), uint32(1<<31-1)
	var out []dns.RR
	for range maxAlias {
		alias := ""
		for _, rr := range answer.Answer {
			h := rr.Header()
			if !strings.EqualFold(h.Name, name) {
				continue
			}
			if h.Rrtype == k.kind {
				out = append(out, rr)
				ttl = min(ttl, h.Ttl)
			} else if c, ok := rr.(*dns.CNAME); ok {
				alias = c.Target
				ttl = min(ttl, h.Ttl)
			}
		}
		if len(out) > 0 {
			return out, time.Duration(ttl) * time.Second, nil
		}
		if alias == "" {
			break
		}
		name = alias
	}
	for _, rr := range answer.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			ttl = min(ttl, soa.Hdr.Ttl, soa.Minttl)
		}
	}
	return nil, time.Duration(ttl) * time.Second, fmt.Errorf("%w: %s", ErrNotFound, k)
}
