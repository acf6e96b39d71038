package peers

import "net/netip"

// Account is what a softphone registers with.
type Account struct {
	User     string
	Password string
	Server   netip.AddrPort // of the registrar
	Domain   string         // host part of the address of record; default: the server's address
	// Transport is "udp" (default), "tcp" or "tls"; the latter needs CAFile, whose
	// authority is the only one that the phone trusts.
	Transport string
	CAFile    string
}

// Account is an account at this PBX, over UDP.
func (a *PBX) Account(user string) Account {
	return Account{User: user, Password: Password(user), Server: a.Addr()}
}

// complete is the account with its defaults.
func (a Account) complete() Account {
	if a.Transport == "" {
		a.Transport = "udp"
	}
	if a.Domain == "" {
		a.Domain = a.Server.String()
	}
	return a
}

// AOR is the address of record.
func (a Account) AOR() string { return "sip:" + a.User + "@" + a.complete().Domain }
