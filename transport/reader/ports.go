package reader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// Port is a serial port of this computer, as the kernel describes it.
type Port struct {
	Path   string // /dev/ttyUSB0
	ByID   string // a name that stays the same wherever it is plugged in; empty: none
	Driver string // of the kernel: ftdi_sio, cdc_acm, serial8250
	USB    string // vendor:product in hexadecimal, of a USB adapter
	Name   string // what a USB adapter calls itself
}

// SerialPorts finds the serial ports under sys and dev (usually /sys and /dev), in the order of their names, without
// opening one: opening a port moves its modem lines, and on a reader that may be a reset. On a system without sysfs there
// are none to be found.
func SerialPorts(sys, dev string) ([]Port, error) {
	class := filepath.Join(sys, "class", "tty")
	entries, err := os.ReadDir(class)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reader: serial ports: %w", err)
	}
	ids := stableNames(dev)
	var ports []Port
	for _, e := range entries {
		at := filepath.Join(class, e.Name())
		device, err := filepath.EvalSymlinks(filepath.Join(at, "device"))
		if err != nil || attribute(at, "type") == "0" {
			continue // a terminal without hardware, or a port without a chip
		}
		p := Port{Path: filepath.Join(dev, e.Name()), ByID: ids[e.Name()]}
		if _, err := os.Lstat(p.Path); err != nil {
			continue
		}
		p.describe(device)
		ports = append(ports, p)
	}
	return ports, nil
}

// describe looks for the driver, and for the USB device that the port belongs to, at device and in the folders above.
func (p *Port) describe(device string) {
	for range 4 { // port, interface, device; one to spare
		if driver, err := os.Readlink(filepath.Join(device, "driver")); err == nil && p.Driver == "" {
			if name := filepath.Base(driver); name != "port" && name != "ctrl" { // the kernel's own layers
				p.Driver = name
			}
		}
		if vendor := attribute(device, "idVendor"); vendor != "" {
			p.USB = vendor + ":" + attribute(device, "idProduct")
			p.Name = strings.TrimSpace(attribute(device, "manufacturer") + " " + attribute(device, "product"))
			return
		}
		device = filepath.Dir(device)
	}
}

// maxAttribute bounds what is read of an attribute.
const maxAttribute = 200

// attribute is the first line of a file of the kernel's; empty when there is none. What a device says of itself may be
// anything, so only what can be printed is kept.
func attribute(folder, name string) string {
	b, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b[:min(len(b), maxAttribute)]), "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, line))
}

// stableNames maps the names of ports to their links in serial/by-id.
func stableNames(dev string) map[string]string {
	folder := filepath.Join(dev, "serial", "by-id")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	ids := map[string]string{}
	for _, e := range entries {
		link := filepath.Join(folder, e.Name())
		if target, err := os.Readlink(link); err == nil {
			ids[filepath.Base(target)] = link
		}
	}
	return ids
}
