# A Parley peer in Perl, core modules only, as an example of how little a peer needs: peers/README.md is all that it knows.
# It serves echo over TCP, IPv4 and IPv6, to many clients at once, in one select loop. What else there is, it does not declare.
use strict; use warnings; use Digest::SHA 'sha256_hex'; use JSON::PP;
use IO::Select; use IO::Socket::IP; use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ($json, $watch, $input, $greeted, $count, %talks) = (JSON::PP->new->utf8, IO::Select->new(\*STDIN), '', 0, 0); ($SIG{PIPE}, $|) = ('IGNORE', 1);

sub now    { int(clock_gettime(CLOCK_MONOTONIC) * 1e6) }
sub event  { print $json->encode({@_}) . "\n" }
sub step   { my ($t, $name, @more) = @_; push @{$t->{told}}, {step => $name, t => now(), @more} }
sub tally  { my ($t, $name, $octets) = @_; step($t, $name, octets => length $octets, digest => sha256_hex($octets)) }
sub report { my ($t, @end) = @_; event(event => 'steps', @{$t->{head}}, steps => delete $t->{told}, @end) if !$t->{mute} || @{$t->{head}} < 3 }

sub ends   { my $s = shift; (local => [$s->sockhost, 0 + $s->sockport], remote => [$s->peerhost, 0 + ($s->peerport // 0)]) }

sub joins {    # a socket joins the loop: that of a service, or of a connection that it accepted
    my ($s, $mute, @head) = @_; $s->blocking(0); $watch->add($s);
    return $talks{$s} = {s => $s, head => [@head], got => '', sent => 0, mute => $mute};
}

sub over {    # the last words of either
    my ($t, $broken) = @_; $watch->remove($t->{s}); close delete($talks{$t->{s}})->{s};
    if (@{$t->{head}} > 2) { tally($t, received => $t->{got}); step($t, 'end') if $t->{end} && !$broken;
        tally($t, sent => substr $t->{got}, 0, $t->{sent}); step($t, reset => by => 'them') if $broken }
    step($t, 'closed'); report($t, done => JSON::PP::true);
}

my %do = (
    hello => sub { event(event => 'hello', contract => 1, peer => 'perl', language => "Perl $^V", system => $^O, stack => $^O,
            families => ['ipv4', 'ipv6'], can => ['serve echo/tcp'], t => now()) },
    flush => sub { event(event => 'flushed', id => $_[0]{id}) }, stop => sub { my ($c) = @_;    # the connections first
        over($_) for sort { @{$b->{head}} <=> @{$a->{head}} } grep { $_->{head}[1] eq $c->{id} } values %talks },
    serve => sub { my ($c) = @_;
        die "a member is missing or of another type\n" if grep({ !text($c->{$_}) } qw(service transport address)) || ($c->{port} // '') !~ /^\d+$/;
        die "unsupported: only echo/tcp is served here\n" if "$c->{service}/$c->{transport}" ne 'echo/tcp';
        my $s = IO::Socket::IP->new(LocalHost => $c->{address}, LocalPort => $c->{port}, Listen => 128, ReuseAddr => 1, V6Only => 1);
        my $error = $!{EADDRINUSE} ? 'address-in-use' : $!{EADDRNOTAVAIL} ? 'address-not-available' : 'other';
        return event(event => 'steps', id => $c->{id}, done => JSON::PP::true, steps =>
            [{step => 'failed', t => now(), at => -1, error => $error, says => "$!"}]) if !$s;
        my $t = joins($s, ($c->{report} // '') eq 'none', id => $c->{id});
        step($t, $_, $_ eq 'created' ? () : (ends($s))[0, 1]) for qw(created bound listening);
        report($t) });

sub text { return $json->encode([$_[0]]) =~ /^\["/ ? $_[0] : '' }    # a JSON text; anything else is none
sub command {
    my $c = eval { $json->decode($_[0]) }; my ($do, $id) = ref $c eq 'HASH' ? (text($c->{do}), text($c->{id})) : ('', '');
    return if !($greeted ||= $do eq 'hello') && $do;
    return if eval { die "no do, or no id\n" if !$do || $id eq '' && $do ne 'hello';
        ($do{$do} // die "unsupported: no such command\n")->($c); 1 };
    event(event => 'error', id => $id, fault => $@ =~ /^unsupported/ ? 'unsupported' : 'bad-command', says => "$@");
}

sub moves {    # one move of a connection: octets in, octets out, or its end
    my ($t, $s) = ($_[0], $_[0]{s}); my $in = $t->{end} ? -1 : sysread $s, $t->{got}, 65536, length $t->{got};
    my $broken = !defined $in && !$!{EAGAIN};
    my $out = $t->{sent} < length $t->{got} ? syswrite $s, $t->{got}, 1 << 20, $t->{sent} : 0;
    $broken ||= !defined $out && !$!{EAGAIN}; $t->{sent} += $out // 0;
    $watch->remove($s) if $t->{end} ||= defined $in && $in == 0;
    over($t, $broken) if $broken || $t->{end} && $t->{sent} == length $t->{got};
}

while (1) {
    my @full = map { $_->{s} } grep { $_->{sent} < length $_->{got} } values %talks;
    my ($r, $w) = IO::Select::select($watch, IO::Select->new(@full));
    for my $s (values %{{map { $_ => $_ } @$r, @$w}}) {
        my $t = $talks{$s} // ($s == \*STDIN ? undef : next);
        if (!$t) { sysread(STDIN, $input, 1 << 20, length $input) or exit; command($1) while $input =~ s/\A(.*)\n// }
        elsif (@{$t->{head}} > 2) { moves($t) }
        elsif (my $n = $s->accept) { step(joins($n, $t->{mute}, @{$t->{head}}, conn => ++$count), 'accepted', ends($n)) }
    }
}
