#!/usr/bin/env perl
use strict; use warnings;
use v5.36; use Digest::SHA qw(sha256_hex);
use IO::Select; use IO::Socket::IP;
use JSON::PP; use POSIX qw(strerror uname :errno_h);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC); our ($c, %all, $conns, %ERROR);

@ERROR{ECONNREFUSED, ECONNRESET, EPIPE, ENODATA, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EADDRINUSE} =
    qw(refused reset reset ended timeout unreachable unreachable address-in-use);
sub xorshift ($x) { $x ^= $x << 13 & 0xffffffff; $x ^= $x >> 17; return $x ^ $x << 5 & 0xffffffff }
my %UNIT = (constant => sub { chr(255 & $_[0]) }, 'every-octet' => sub { map { chr(255 & $_[0] + $_) } 0 .. 255 },
    text => sub { map { my $k = $_[0] + $_; map(chr(32 + ($k + $_) % 95), 0 .. 71), "\r\n" } 0 .. 94 },
    random => sub ($x, $size) { map { pack 'N', $x = xorshift($x || 2654435769) } 0 .. $size / 4 });
sub payload ($p, $size = $p->{size}) {
    return defined $p->{hex} ? pack('H*', $p->{hex}) : Encode::encode_utf8($p->{text}) if !defined $p->{pattern};
    my $unit = join '', ($UNIT{$p->{pattern}} // die "cannot make this pattern\n")->($p->{seed} // 0, $size);
    return substr $unit x (1 + $size / length $unit), 0, $size }

sub now { return clock_gettime(CLOCK_MONOTONIC) } sub tell (%event) { return say encode_json(\%event) }
sub step ($step, @more) { tell(%{$c->{who}}, steps => [{step => $step, t => int(1e6 * now()), @more}]) }
sub count ($step, $octets) { step($step, octets => length $octets, digest => sha256_hex($octets)) }
sub name ($address) { my @name = Socket::getnameinfo($address, 3); return [$name[1], 0 + $name[2]] }
sub stands ($step, $far) { $c->{up} = step($step, local => name(getsockname $c->{fh}), remote => name($far)) }
sub hang_up { delete $c->{up}; return !$c->{fh} || (close(delete $c->{fh}), step('closed')) }
sub finish { hang_up(); return delete $all{$c} && tell(%{$c->{who}}, steps => [], done => JSON::PP::true) }
sub begin ($who, @more) { my $new = {who => {event => 'steps', %$who}, in => '', out => '', over => 0, @more}; return $all{$new} = $new }
sub fail ($error, $name = $ERROR{0 + $error} // 'other') {
    step('reset', by => 'them') if $name eq 'reset'; $c->{todo} = [];
    return $c->{who}{conn} || step('failed', at => $c->{at}, error => $name, says => strerror($error)) }

my %STEP = (close => \&hang_up, wait => sub ($s) { now() >= ($s->{end} //= now() + $s->{ms} / 1000) },
    connect => sub { $c->{fh}->connect ? stands('connected', $c->{fh}->peername) : $! != EINPROGRESS && fail($!) },
    'half-close' => sub { shutdown($c->{fh}, 1) ? step('half-closed') : fail($c->{over} || $!) },
    send => sub ($s) {
        $c->{out} = $c->{got} = delete $s->{whole} if defined $s->{whole};
        return !length $c->{out} && count('sent', $c->{got}) },
    receive => sub ($s, $have = length $c->{in}) {
        my $want = $s->{octets} // $have + ($c->{over} != ENODATA); return 0 if $have < $want && !$c->{over};
        $c->{got} = substr $c->{in}, 0, $want, ''; count('received', $c->{got}) if $have || $c->{over} != ECONNRESET;
        step('end') if $c->{over} == ENODATA && ($s->{until} || $have < $want);
        return $have >= $want || fail($c->{over}) },
    accept => sub {
        my ($fh, $peer) = $c->{fh}->accept or return 0; $fh->blocking(0);
        local $c = begin({id => $c->{who}{id}, conn => ++$conns}, fh => $fh, at => 0, todo => [map { {do => $_, until => 'end'} } qw(receive send)]);
        return !stands('accepted', $peer) });
sub run ($had = length $c->{in}) {
    my $n = !$c->{up} || $c->{over} || sysread $c->{fh}, $c->{in}, 65536, $had;
    $c->{over} ||= $n ? 0 : defined $n ? ENODATA : $! == EAGAIN ? 0 : 0 + $!;
    $c->{out} .= substr $c->{in}, $had if $c->{who}{conn}; $n = length $c->{out} && syswrite $c->{fh}, $c->{out};
    fail($!) if !defined $n && $! != EAGAIN; substr $c->{out}, 0, $n // 0, '';
    while (my $s = $c->{todo}[$c->{at}]) {
        $STEP{$s->{do}}->($s) or now() > $c->{by} && fail(ETIMEDOUT) or return; $c->{at}++ }
    return finish() }

sub obey ($cmd) {
    my $do = $cmd->{do} // die "there is no do\n";
    return tell(event => 'hello', contract => 1, peer => 'perl', language => "Perl $^V", stack => $^O, t => int(1e6 * now()),
        system => join(' ', (uname)[0, 2, 4]), families => ['ipv4', 'ipv6'], can => \@CAN) if $do eq 'hello';
    encode_json([$cmd->{id}]) =~ /^\["/ or die "there is no id\n"; 
    return tell(event => 'flushed', id => $cmd->{id}) if $do eq 'flush';
    if ($do eq 'stop') { for $c (grep { $_->{who}{id} eq $cmd->{id} } values %all) { finish() } }
    my $can = "$do " . join '/', grep { defined && $_ ne 'eager' } @$cmd{qw(service role transport reading report)};
    die "cannot $can\n" if $can !~ m{^(serve echo|script client)/tcp$};
    die "a member is missing or of the wrong type\n" if encode_json([@$cmd{qw(port address)}]) !~ /^\[\d+,"/;
    my @steps = @{$cmd->{steps}};
    for (@steps) { 
        die "cannot do a step like that\n" if !$STEP{$_->{do}} || grep { !/^(do|payload|octets|until|ms)$/ } keys %$_;
        $_->{whole} = payload($_->{payload}) if $_->{do} eq 'send' }
    local $c = begin({id => $cmd->{id}}, at => $do eq 'serve' ? -1 : 0, todo => $steps, by =>..);
    step('created'); step('connecting', remote => [@$cmd{'address', 'port'}]) if $do eq 'script';
    $c->{fh} = IO::Socket::IP->new(Blocking => 0, $do eq 'serve' ?
        (LocalHost => , LocalPort => , Listen => 511, ReuseAddr => 1, V6Only => 1) : (PeerHost =>, PeerPort =>)) || fail($!) && IO::Handle->new
    step($_, local => name(getsockname $c->{fh})) for $do eq 'serve' ? ('bound', 'listening') : () }

($|, $SIG{PIPE}) = (1, 'IGNORE'); my $input = '';
while (1) {
    IO::Select->new(\*STDIN, map { $_->{fh} } grep {  } values %all)->can_read(0.005);
    for $c (values %all) { run() }
    my $n = sysread STDIN, ; exit if 
    while ($input =~ s/^(.*)\n//) {
        my $cmd = eval { decode_json($1) };
        eval { obey($cmd); 1 } or tell(event => 'error', says => "$@", fault => ..., id => );
    } }
