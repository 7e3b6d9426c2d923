module parley/peers/go

go 1.22
