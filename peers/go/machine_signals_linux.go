// This file owns scripts of signals: they are sent with system calls, and
// taken from the runtime by os/signal, which shows their numbers and nothing
// else (signal(7)).
package main

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// signalNumbers are those of the names that POSIX has.
var signalNumbers = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "BUS": syscall.SIGBUS, "CHLD": syscall.SIGCHLD,
	"CONT": syscall.SIGCONT, "FPE": syscall.SIGFPE, "HUP": syscall.SIGHUP, "ILL": syscall.SIGILL,
	"INT": syscall.SIGINT, "IO": syscall.SIGIO, "KILL": syscall.SIGKILL, "PIPE": syscall.SIGPIPE,
	"POLL": syscall.SIGPOLL, "PROF": syscall.SIGPROF, "QUIT": syscall.SIGQUIT, "SEGV": syscall.SIGSEGV,
	"STOP": syscall.SIGSTOP, "SYS": syscall.SIGSYS, "TERM": syscall.SIGTERM, "TRAP": syscall.SIGTRAP,
	"TSTP": syscall.SIGTSTP, "TTIN": syscall.SIGTTIN, "TTOU": syscall.SIGTTOU, "URG": syscall.SIGURG,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2, "VTALRM": syscall.SIGVTALRM, "WINCH": syscall.SIGWINCH,
	"XCPU": syscall.SIGXCPU, "XFSZ": syscall.SIGXFSZ,
}

// The real-time signals as the C library numbers them, which has two of the
// kernel's for itself.
const (
	firstRealTime = 34
	lastRealTime  = 64
)

func signalNumber(name string) (syscall.Signal, error) {
	if number, known := signalNumbers[name]; known {
		return number, nil
	}
	for base, from := range map[string]int{"RTMIN": firstRealTime, "RTMAX": lastRealTime} {
		offset, is := strings.CutPrefix(name, base)
		if !is {
			continue
		}
		n, err := 0, error(nil)
		if offset != "" {
			n, err = strconv.Atoi(offset)
		}
		if number := from + n; err == nil && number >= firstRealTime && number <= lastRealTime {
			return syscall.Signal(number), nil
		}
	}
	return 0, unsupported("there is no signal %q here", name)
}

// hidden are the signals that a Go program cannot take, and why.
var hidden = map[syscall.Signal]string{
	syscall.SIGKILL: "the system lets no process take it",
	syscall.SIGSTOP: "the system lets no process take it",
	syscall.SIGURG:  "the Go runtime sends it to itself all the time",
	syscall.SIGPROF: "the Go runtime keeps it for its profiler",
	firstRealTime:   "the Go runtime leaves it to the C library",
}

// signalTalk is a script of signals.
type signalTalk struct {
	*conversation
	pid    int // of a client: to whom it sends
	names  map[syscall.Signal]string
	asked  map[syscall.Signal]int64 // how many of each a server's steps ask for, at most
	came   chan os.Signal
	kept   []syscall.Signal // came, and were not asked for yet
	closes bool
}

func newSignalTalk(c *conversation, s *scriptCommand) (talk, error) {
	t := &signalTalk{conversation: c, names: map[syscall.Signal]string{}, asked: map[syscall.Signal]int64{}}
	if !c.client {
		return t, nil
	}
	pid, err := strconv.ParseInt(c.name, 10, 32)
	if err != nil || pid < 1 {
		return nil, badCommand("%q is no process id", c.name)
	}
	t.pid = int(pid)
	return t, nil
}

// The roles have steps of their own.
var (
	signalClientSteps = map[string]func(*signalTalk, stepCommand) (deed, error){
		"send": (*signalTalk).prepareSend,
	}
	signalServerSteps = map[string]func(*signalTalk, stepCommand) (deed, error){
		"receive": (*signalTalk).prepareReceive,
		"block":   noMasks,
		"unblock": noMasks,
	}
)

func noMasks(*signalTalk, stepCommand) (deed, error) {
	return nil, unsupported("the Go runtime has the signal masks of its threads for itself")
}

func (t *signalTalk) prepare(s stepCommand) (deed, error) {
	steps := signalServerSteps
	if t.client {
		steps = signalClientSteps
	}
	prepare, known := steps[*s.Do]
	switch {
	case known:
		return prepare(t, s)
	case *s.Do == "wait":
		return prepareWait(s)
	case *s.Do == "close":
		return t.close, nil
	}
	return nil, unsupported("there is no step %q for signals in this role", *s.Do)
}

// open is ready for all signals before it tells where they shall go.
func (t *signalTalk) open() error {
	if t.client {
		t.createdHere()
		return nil
	}
	t.came = make(chan os.Signal, 4096) // os/signal throws away what finds no room
	if numbers := t.numbers(); len(numbers) > 0 {
		signal.Notify(t.came, numbers...)
	}
	t.createdHere()
	t.boundHere(strconv.Itoa(os.Getpid()), false)
	return nil
}

func (t *signalTalk) numbers() (all []os.Signal) {
	for number := range t.names {
		all = append(all, number)
	}
	return all
}

func (t *signalTalk) prepareSend(s stepCommand) (deed, error) {
	var name string
	if s.Signal == nil {
		return nil, missing("signal")
	}
	if json.Unmarshal(s.Signal, &name) != nil {
		return nil, badCommand("the member \"signal\" of a send is a name")
	}
	number, err := signalNumber(name)
	if err != nil {
		return nil, err
	}
	if s.Value != nil && (*s.Value < math.MinInt32 || *s.Value > math.MaxInt32) {
		return nil, badCommand("the value %d is not within 32 bits", *s.Value)
	}
	count, err := countOf(s)
	if err != nil {
		return nil, err
	}
	gap, err := limit("gap", s.Gap, 0)
	return func(ctx context.Context) error {
		for i := int64(0); i < count; i++ {
			if err := t.sendOne(ctx, number, signalMember{name, s.Value}, i, gap); err != nil {
				return err
			}
		}
		return nil
	}, err
}

// signalMember is the rest of the steps that tell of a signal.
type signalMember struct {
	Signal string `json:"signal"`
	Value  *int64 `json:"value,omitempty"`
}

func (t *signalTalk) sendOne(ctx context.Context, number syscall.Signal, told signalMember, i int64, gap time.Duration) error {
	if i == 0 {
		gap = 0
	}
	if err := pause(ctx, gap); err != nil {
		return err
	}
	var err error
	if told.Value == nil {
		err = os.NewSyscallError("kill", syscall.Kill(t.pid, number))
	} else {
		err = queueSignal(t.pid, number, int32(*told.Value))
	}
	if err == nil {
		t.report.add(step{name: "sent", members: told})
	}
	return err
}

// signalInfo is the beginning of the kernel's siginfo for queued signals, and
// room for the rest. The value lies where a pointer could lie, too.
type signalInfo struct {
	number, errno, code int32
	_                   [unsafe.Sizeof(uintptr(0)) - 4]byte
	pid                 int32
	uid                 uint32
	value               int32
	_                   [104]byte
}

// sentByQueue is SI_QUEUE: how a signal comes that sigqueue sent.
const sentByQueue = -1

// queueSignal is sigqueue(3).
func queueSignal(pid int, number syscall.Signal, value int32) error {
	info := signalInfo{
		number: int32(number), code: sentByQueue, pid: int32(os.Getpid()), uid: uint32(os.Getuid()), value: value,
	}
	_, _, errno := syscall.Syscall(syscall.SYS_RT_SIGQUEUEINFO, uintptr(pid), uintptr(number), uintptr(unsafe.Pointer(&info)))
	if errno != 0 {
		return os.NewSyscallError("sigqueue", errno)
	}
	return nil
}

func (t *signalTalk) prepareReceive(s stepCommand) (deed, error) {
	if s.Quiet != nil {
		d, err := milliseconds("quiet", s.Quiet)
		return func(ctx context.Context) error { return t.quiet(ctx, d) }, err
	}
	names, err := s.signalNames()
	if err != nil {
		return nil, err
	}
	count, err := countOf(s)
	if err != nil {
		return nil, err
	}
	wanted, err := t.want(names, count)
	return func(ctx context.Context) error { return t.receive(ctx, wanted, count) }, err
}

// signalNames are the names in the member, which has one or a list.
func (s *stepCommand) signalNames() (names []string, err error) {
	if s.Signal == nil {
		return nil, missing("signal")
	}
	var one string
	if json.Unmarshal(s.Signal, &one) == nil {
		return []string{one}, nil
	}
	if json.Unmarshal(s.Signal, &names) != nil || len(names) == 0 {
		return nil, badCommand("the member \"signal\" is a name, or a list of names")
	}
	return names, nil
}

// want refuses what the runtime cannot be trusted with: of pending signals it
// keeps one bit each, in no order.
func (t *signalTalk) want(names []string, count int64) (wanted []syscall.Signal, err error) {
	for _, name := range names {
		number, err := signalNumber(name)
		if err != nil {
			return nil, err
		}
		if why, is := hidden[number]; is {
			return nil, unsupported("the signal %s cannot be taken here: %s", name, why)
		}
		t.asked[number] += count
		if number >= firstRealTime && t.asked[number] > 1 {
			return nil, unsupported("the Go runtime keeps one bit for each signal, so that several that are queued may become one")
		}
		t.names[number] = name
		wanted = append(wanted, number)
	}
	if len(wanted) > 1 && count > 1 {
		return nil, unsupported("the Go runtime keeps one bit for each signal, so that their order may be lost")
	}
	return wanted, nil
}

func (t *signalTalk) receive(ctx context.Context, wanted []syscall.Signal, count int64) error {
	for ; count > 0; count-- {
		number, err := t.next(ctx, wanted)
		if err != nil {
			return err
		}
		t.report.add(step{name: "received", members: signalMember{Signal: t.names[number]}})
	}
	return nil
}

// next waits for one of the wanted, and keeps others for later steps.
func (t *signalTalk) next(ctx context.Context, wanted []syscall.Signal) (syscall.Signal, error) {
	for {
		for i, number := range t.kept {
			if slices.Contains(wanted, number) {
				t.kept = slices.Delete(t.kept, i, i+1)
				return number, nil
			}
		}
		if err := t.more(ctx); err != nil {
			return 0, err
		}
	}
}

func (t *signalTalk) more(ctx context.Context) error {
	if t.closes {
		return notNow("the signals are not taken any more")
	}
	select {
	case number := <-t.came:
		t.kept = append(t.kept, number.(syscall.Signal))
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// quiet wants none of the signals to come: one that was kept has come.
func (t *signalTalk) quiet(ctx context.Context, d time.Duration) error {
	listening, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var err error
	if len(t.kept) == 0 {
		err = t.more(listening)
	}
	switch {
	case err == nil:
		t.report.add(step{name: "received", members: signalMember{Signal: t.names[t.kept[0]]}})
		t.kept = t.kept[1:]
		return nil
	case kindOf(err) == "timeout" && ctx.Err() == nil:
		t.report.add(step{name: "quiet"})
		return nil
	}
	return err
}

func (t *signalTalk) close(context.Context) error {
	t.hangUp()
	return nil
}

func (t *signalTalk) fail(err error) failure { return localFailure(failureOf(-1, err), err) }

// hangUp has the signals ignored from now on: nobody is there to take them.
func (t *signalTalk) hangUp() {
	if numbers := t.numbers(); t.came != nil && len(numbers) > 0 {
		signal.Ignore(numbers...)
	}
	t.closes = true
	t.closed()
}
