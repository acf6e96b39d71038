package identity

import (
	"errors"
	"strings"
	"testing"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

func TestNumber(t *testing.T) {
	national := Presentation{Format: FormatNational, CountryCode: "49", NationalPrefix: "0"}
	for _, c := range []struct {
		id   Presentation
		in   string
		want string // "" for ErrTarget
	}{
		{Presentation{}, "+4930123", "+4930123"},
		{Presentation{Format: FormatE164}, "+4930123", "+4930123"},
		{Presentation{Format: FormatPlain}, "+4930123", "4930123"},
		{national, "+4930123", "030123"},
		{national, "+441234", ""},
		{national, "1001", "1001"},
		{Presentation{}, "1001", "1001"},
		{Presentation{}, "*97#", "*97#"},
		{Presentation{}, "alice.smith-1_x", "alice.smith-1_x"},
		{Presentation{}, "", ""},
		{Presentation{}, "a b", ""},
		{Presentation{}, "1@evil.example", ""},
		{Presentation{}, "1;user=x", ""},
		{Presentation{}, "1>\r\nX: y", ""},
		{Presentation{}, "1\n", ""},
		{Presentation{}, "1%0d", ""},
		{Presentation{}, strings.Repeat("1", 65), ""},
		{Presentation{}, "+١٢٣", ""},
	} {
		got, err := c.id.Number(c.in)
		if got != c.want || (c.want == "") != errors.Is(err, ErrTarget) {
			t.Errorf("%s %q: %q %v", c.id.Format, c.in, got, err)
		}
	}
}

func FuzzPresent(f *testing.F) {
	f.Add("+4930123", "Name")
	f.Add("1>\r\nX: y", `a"b\`)
	f.Fuzz(func(t *testing.T, user, display string) {
		id := Presentation{Format: FormatNational, CountryCode: "49", UserPhone: true, Assert: true}
		p, err := id.Present(user, display)
		if err != nil {
			return
		}
		from := sipgo.FromHeader{DisplayName: p.Display, Address: id.URI(p.User, "h"), Params: sipgo.HeaderParams{{K: "tag", V: "t"}}}
		line := "OPTIONS sip:h SIP/2.0\r\nFrom: " + from.Value() + "\r\n" + "P-Asserted-Identity: " + id.Headers(p, "h")[0].Value + "\r\n\r\n"
		msg, err := sipgo.NewParser().ParseSIP([]byte(line))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		req := msg.(*sipgo.Request)
		if len(req.Headers()) != 2 || req.From().Address.User != header.EscapeUser(p.User) || req.From().Address.Host != "h" || req.From().Params.GetOr("tag", "") != "t" {
			t.Errorf("%q is read as %+v", line, req.From())
		}
	})
}
