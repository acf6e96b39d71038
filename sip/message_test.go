package sip

import (
	"testing"

	sipgo "github.com/emiago/sipgo/sip"
)

func FuzzSession(f *testing.F) {
	f.Add("application/sdp", "v=0")
	f.Add("multipart/mixed;boundary=b", "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		res := sipgo.NewResponse(200, "OK")
		res.AppendHeader(sipgo.NewHeader("Content-Type", contentType))
		res.SetBody([]byte(body))
		if sdp, ok := session(res); !ok && sdp != nil {
			t.Errorf("%q with not ok", sdp)
		}
	})
}

func TestSession(t *testing.T) {
	for _, c := range []struct {
		contentType, body, want string
		ok                      bool
	}{
		{"application/sdp", "v=0", "v=0", true},
		{"Application/SDP; charset=x", "v=0", "v=0", true},
		{"", "v=0", "v=0", true},
		{"application/sdp", "", "", true},
		{"text/plain", "v=0", "", false},
		{"multipart/mixed;boundary=b", "--b\r\nContent-Type: application/isup\r\n\r\nx\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n", "v=0", true},
		{"multipart/mixed;boundary=b", "--b\r\nContent-Type: application/isup\r\n\r\nx\r\n--b--\r\n", "", false},
		{"multipart/mixed", "rubbish", "", false},
	} {
		res := sipgo.NewResponse(200, "OK")
		if c.contentType != "" {
			res.AppendHeader(sipgo.NewHeader("Content-Type", c.contentType))
		}
		res.SetBody([]byte(c.body))
		if sdp, ok := session(res); string(sdp) != c.want || ok != c.ok {
			t.Errorf("%q %q: %q %v", c.contentType, c.body, sdp, ok)
		}
	}
}
