package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ringpace/dialer"
	"ringpace/dialer/lab/roles"
	"ringpace/sip"
	"ringpace/sip/defence"
	"ringpace/sip/registrar"
)

// beRegistrar is a process that registers everybody who knows the password.
func beRegistrar(listen string) error {
	dialer.TuneRuntime() // as the daemon does
	addr, err := netip.ParseAddrPort(listen)
	if err != nil {
		return err
	}
	desk, err := registrar.New(registrar.Config{
		Credentials: func(user string) (string, bool) { return password(user), strings.HasPrefix(user, "phone") },
	})
	if err != nil {
		return err
	}
	guard, err := defence.New(defence.Default(), nil)
	if err != nil {
		return err
	}
	endpoint, err := sip.NewEndpoint(sip.Config{
		Defence: guard,
		Listen:  []sip.Listen{{Transport: "udp", Addr: addr}}, Registrar: desk,
	})
	if err != nil {
		return err
	}
	err = obey(func(order) answer {
		a := answer{CPU: roles.CPU(), Requests: endpoint.Stats().Requests}
		for i := 0; len(desk.Contacts(userOf(i))) > 0; i++ {
			a.Contacts++
		}
		return a
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(err, endpoint.Close(ctx))
}

func userOf(i int) string { return fmt.Sprintf("phone%05d", i) }

func password(user string) string { return "secret-of-" + user }
