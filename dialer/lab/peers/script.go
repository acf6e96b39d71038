package peers

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Script is what one SIPp does in a call, step by step: every message that it
// waits for must come, and in that order; any other fails the test. Steps are made
// by [Await], [AwaitStatus], [Reply] and [Send].
type Script struct {
	Steps []Step
	// Calls is how many calls it takes or makes, one after the other; default 1.
	Calls int
	// To makes SIPp the caller of that address; otherwise it waits for calls.
	To        netip.AddrPort
	Transport string // "udp" (default) or "tcp"
	Password  string // for [authentication] in what it sends, as user "phone"
}

// Step is a piece of a SIPp scenario.
type Step string

// Player is a SIPp that follows a script.
type Player struct {
	ports   block
	dir     string
	process *process
}

// Play starts a SIPp that follows a script.
func Play(t testing.TB, script Script) *Player {
	t.Helper()
	p := &Player{ports: reserve(t), dir: directory(t, "sipp")}
	var scenario strings.Builder
	scenario.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE scenario SYSTEM \"sipp.dtd\">\n<scenario name=\"script\">\n")
	for _, step := range script.Steps {
		scenario.WriteString(string(step))
	}
	// SIPp wants every variable used, and only such as there are.
	var variables []string
	for _, name := range []string{"via", "from", "to", "cseq", "checked"} {
		if strings.Contains(scenario.String(), "assign_to=\""+name+"\"") {
			variables = append(variables, name)
		}
	}
	if len(variables) > 0 {
		fmt.Fprintf(&scenario, "<Reference variables=\"%s\"/>\n", strings.Join(variables, ","))
	}
	scenario.WriteString("</scenario>\n")
	if err := os.WriteFile(p.dir+"/script.xml", []byte(scenario.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	arguments := append([]string{
		"-sf", "script.xml", "-m", fmt.Sprint(max(1, script.Calls)), "-l", "1",
		"-recv_timeout", fmt.Sprint(patience.Milliseconds()),
	}, sippArguments(p.ports)...)
	if script.Transport == "tcp" {
		arguments = append(arguments, "-t", "t1")
	}
	if script.Password != "" {
		arguments = append(arguments, "-au", "phone", "-ap", script.Password)
	}
	if script.To.IsValid() {
		arguments = append(arguments, script.To.String())
	}
	command := exec.Command(program(t, "sipp"), arguments...)
	command.Dir = p.dir
	p.process = start(t, "sipp", p.dir, command)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("sipp's errors:\n%s\nsipp's messages:\n%s", tail(p.dir+"/errors.log"), tail(p.dir+"/messages.log"))
		}
	})
	if !script.To.IsValid() {
		if err := p.process.await(func() error {
			if script.Transport != "tcp" {
				return bound(p.Addr())
			}
			if l, err := net.Listen("tcp4", p.Addr().String()); err == nil {
				l.Close()
				return fmt.Errorf("nobody listens on TCP port %d", p.Addr().Port())
			}
			return nil
		}); err != nil {
			t.Fatalf("sipp does not listen: %v", err)
		}
	}
	return p
}

// Addr is where it takes calls.
func (p *Player) Addr() netip.AddrPort { return p.ports.addr(0) }

// Done is closed when SIPp has ended.
func (p *Player) Done() <-chan struct{} { return p.process.done }

// Finish waits until all went as the script says. Otherwise the test fails.
func (p *Player) Finish(t testing.TB) {
	t.Helper()
	select {
	case <-p.process.done:
		if p.process.err != nil {
			t.Fatalf("it did not go by the script: sipp: %v\n%s", p.process.err, tail(p.dir+"/errors.log"))
		}
	case <-time.After(2 * patience):
		_ = syscall.Kill(p.process.command.Process.Pid, syscall.SIGQUIT)
		t.Fatalf("the script does not come to its end\n%s", tail(p.dir+"/errors.log"))
	}
}

// Messages are all that it sent and received so far.
func (p *Player) Messages(t testing.TB) string {
	t.Helper()
	log, err := os.ReadFile(p.dir + "/messages.log")
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

// Await waits for a request. Each check is a regular expression that the whole
// message must match; with "!" in front, must not.
func Await(method string, checks ...string) Step {
	return Step(fmt.Sprintf("<recv request=\"%s\" rrs=\"true\">%s</recv>\n", method, actions(method, checks)))
}

// AwaitStatus waits for a response; 100 may come before it.
func AwaitStatus(status int, checks ...string) Step {
	auth := ""
	if status == 401 || status == 407 {
		auth = ` auth="true"`
	}
	return Step(fmt.Sprintf("<recv response=\"100\" optional=\"true\"/>\n<recv response=\"%d\" rrs=\"true\"%s>%s</recv>\n",
		status, auth, actions("", checks)))
}

// actions are the checks of a step; of an INVITE they also keep what its responses
// need when other requests have come in between.
func actions(method string, checks []string) string {
	var b strings.Builder
	b.WriteString("<action>")
	if method == "INVITE" {
		// All lines of Via and Record-Route, which stand together.
		b.WriteString("<ereg regexp=\"((Record-Route|Via):[[:print:]]*[[:cntrl:]]+)*(Record-Route|Via):[[:print:]]*\" search_in=\"msg\" check_it=\"true\" assign_to=\"via\"/>")
		for _, field := range []string{"From", "To", "CSeq"} {
			fmt.Fprintf(&b, "<ereg regexp=\".*\" search_in=\"hdr\" header=\"%s:\" check_it=\"true\" assign_to=\"%s\"/>",
				field, strings.ToLower(field))
		}
	}
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&quot;")
	for _, check := range checks {
		attribute := "check_it"
		if expression, not := strings.CutPrefix(check, "!"); not {
			attribute, check = "check_it_inverse", expression
		}
		fmt.Fprintf(&b, "<ereg regexp=\"%s\" search_in=\"msg\" %s=\"true\" assign_to=\"checked\"/>", escape.Replace(check), attribute)
	}
	b.WriteString("</action>")
	return b.String()
}

// Contact is where requests in the dialog reach the SIPp of a script.
const Contact = "Contact: <sip:peer@[local_ip]:[local_port];transport=[transport]>"

// Reply responds to the last INVITE, whatever has come since. body may be empty;
// fields are whole lines.
func Reply(status, body string, fields ...string) Step {
	to := "To:[$to];tag=[pid]s[call_number]"
	if strings.HasPrefix(status, "100") {
		to = "To:[$to]"
	}
	head := []string{"SIP/2.0 " + status, "[$via]", "From:[$from]", to, "[last_Call-ID:]", "CSeq:[$cseq]", Contact}
	return send(strings.HasPrefix(status, "2"), append(head, fields...), body)
}

// ReplyAgain responds to a re-INVITE: its To has a tag already.
func ReplyAgain(status, body string, fields ...string) Step {
	head := []string{"SIP/2.0 " + status, "[$via]", "From:[$from]", "To:[$to]", "[last_Call-ID:]", "CSeq:[$cseq]", Contact}
	return send(strings.HasPrefix(status, "2"), append(head, fields...), body)
}

// ReplyLast responds to the last request, which is not an INVITE.
func ReplyLast(status, body string, fields ...string) Step {
	head := []string{"SIP/2.0 " + status, "[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]", Contact}
	return send(false, append(head, fields...), body)
}

// Request sends a request in the dialog of the last INVITE that came.
func Request(method string, seq int, body string, fields ...string) Step {
	head := []string{
		method + " [next_url] SIP/2.0", "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]", "[routes]",
		"From:[$to];tag=[pid]s[call_number]", "To:[$from]", "Call-ID: [call_id]", fmt.Sprintf("CSeq: %d %s", seq, method),
		"Max-Forwards: 70", Contact,
	}
	return send(method != "ACK", append(head, fields...), body)
}

// Send sends any message of a caller's, with the fields that every request has:
// From and To of the call, Call-ID, CSeq, Via, Max-Forwards.
func Send(method, uri string, seq int, body string, fields ...string) Step {
	to := "To: <sip:callee@[remote_ip]:[remote_port]>"
	switch {
	case method == "REGISTER":
		to = "To: <sip:phone@[remote_ip]>"
	case uri == "[next_url]" || method == "ACK":
		to += "[peer_tag_param]"
	}
	head := []string{
		method + " " + uri + " SIP/2.0", "Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]", "[routes]",
		"From: <sip:phone@[local_ip]>;tag=[pid]t[call_number]", to, "Call-ID: [call_id]", fmt.Sprintf("CSeq: %d %s", seq, method),
		"Max-Forwards: 70", Contact,
	}
	return send(method != "ACK", append(head, fields...), body)
}

// Wait does nothing for a while.
func Wait(d time.Duration) Step {
	return Step(fmt.Sprintf("<pause milliseconds=\"%d\"/>\n", d.Milliseconds()))
}

func send(retransmitted bool, head []string, body string) Step {
	var b strings.Builder
	b.WriteString("<send")
	if retransmitted {
		b.WriteString(" retrans=\"500\"")
	}
	b.WriteString("><![CDATA[\n\n")
	for i, field := range head {
		if field == Contact && slices.ContainsFunc(head[i+1:], func(f string) bool { return strings.HasPrefix(f, "Contact:") }) {
			continue // the step has its own
		}
		b.WriteString(field + "\n")
	}
	if body != "" {
		b.WriteString("Content-Type: application/sdp\nContent-Length: [len]\n\n" + body)
	} else {
		b.WriteString("Content-Length: 0\n\n")
	}
	b.WriteString("]]></send>\n")
	return Step(b.String())
}

// Session is a session description of a script: PCMA on a port where nobody
// listens, with more lines at its end.
func Session(lines ...string) string {
	return "v=0\no=peer 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 8\na=rtpmap:8 PCMA/8000\n" +
		strings.Join(append(lines, ""), "\n")
}
