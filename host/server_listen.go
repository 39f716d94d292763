package host

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/posim/posim/transport"
)

// ErrPublic is a listen address that is not of this machine alone, without ServerConfig.Public.
var ErrPublic = errors.New("can be reached from other machines")

// checkListen refuses an address that other machines can reach, unless that is wanted.
func checkListen(addr string, public bool) error {
	loopback, err := isLoopback(addr)
	switch {
	case err == nil && public && strings.HasPrefix(addr, ":"):
		return fmt.Errorf("host: listen address %s does not say which addresses are public: name one, or 0.0.0.0 for all", addr)
	case err != nil:
		return fmt.Errorf("host: listen address %q: %w: want one such as 127.0.0.1:8583", addr, err)
	case !loopback && !public:
		return fmt.Errorf("host: listen address %s %w: use 127.0.0.1", addr, ErrPublic)
	}
	return nil
}

// checkAdmin refuses an admin view that other machines could reach: it moves the calendar and balances and asks nobody who
// they are.
func checkAdmin(addr string) error {
	loopback, err := isLoopback(addr)
	switch {
	case err != nil:
		return fmt.Errorf("host: admin address %q: %w: want one such as 127.0.0.1:8584", addr, err)
	case !loopback:
		return fmt.Errorf("host: admin address %s can be reached from other machines: want a loopback address such as 127.0.0.1:8584", addr)
	}
	return nil
}

// isLoopback tells whether an address is of this machine alone, as one without a host is here. A name is not, but for
// localhost: what it means can change.
func isLoopback(addr string) (bool, error) {
	h, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false, errors.New("no address and port")
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return false, fmt.Errorf("no port %q", port)
	}
	ip := net.ParseIP(h)
	return h == "" || h == "localhost" || ip != nil && ip.IsLoopback(), nil
}

// notListening is an address that cannot be listened on, in the words of the room that tried.
type notListening struct{ *transport.DialError }

// Error is the sentence.
func (e notListening) Error() string { return "host: " + e.Text }

// explainListen says whose address it is that cannot be listened on.
func explainListen(err error) error {
	if e := (*transport.DialError)(nil); errors.As(err, &e) {
		return notListening{e}
	}
	return err
}
