// Concatenation of two streams, each converted to the output's format.
//
// Ports: in0, in1: vectors of C0, C1 elements of W0, W1 bits, P a beat; out:
// elements of WOUT bits, P a beat.
// CHANNELS 1: one vector of each makes a vector of C0 + C1 (axis of channels);
// 0: N0 vectors of in0, then N1 of in1, all of C0 = C1 elements (axis of columns: N0,
// N1 columns; of rows: all positions).
// Parameters: SIGNED0, SIGNED1; SHIFT0, SHIFT1: fraction bits of the input less
// those of the output; OUT_SIGNED, ROUNDING, OVERFLOW as pta_requant.
// While one input is used the other waits: its FIFO stands before the block.
// Timing: a beat leaves 3 cycles after it came and its turn; interval of a turn
// N0 ceil(C0 / P) + N1 ceil(C1 / P). Channels with P not dividing both C0 and C1:
// pta_gearboxes go over G = gcd(P, C0, C1), so at least (C0 + C1) / G cycles a vector.
// Resources: two pta_requant, 2 P WOUT FF; the gearboxes.
`default_nettype none
module pta_concat #(
    parameter CHANNELS = 1,
    parameter P = 1,
    parameter C0 = 4,
    parameter N0 = 1,
    parameter W0 = 8,
    parameter SIGNED0 = 1,
    parameter SHIFT0 = 0,
    parameter C1 = 4,
    parameter N1 = 1,
    parameter W1 = 8,
    parameter SIGNED1 = 1,
    parameter SHIFT1 = 0,
    parameter WOUT = 8,
    parameter OUT_SIGNED = 1,
    parameter ROUNDING = 2,
    parameter OVERFLOW = 1
) (
    input  wire              clk, rst,
    input  wire [P*W0-1:0]   in0_data,
    input  wire              in0_valid,
    output wire              in0_ready,
    input  wire [P*W1-1:0]   in1_data,
    input  wire              in1_valid,
    output wire              in1_ready,
    output wire [P*WOUT-1:0] out_data,
    output wire              out_valid,
    input  wire              out_ready
);
    function integer gcd;
        input integer a, b;
        integer i;
        begin
            gcd = 1;
            for (i = 1; i <= a; i = i + 1)
                if (a % i == 0 && b % i == 0) gcd = i;
        end
    endfunction

    localparam G = CHANNELS != 0 ? gcd(P, gcd(C0, C1)) : P;
    localparam BEATS0 = (CHANNELS != 0 ? 1 : N0) * ((C0 + G - 1) / G);
    localparam BEATS1 = (CHANNELS != 0 ? 1 : N1) * ((C1 + G - 1) / G);
    localparam NB = BEATS0 + BEATS1;
    localparam AW = $clog2(NB + 1);

    wire [P*WOUT-1:0] y0, y1;
    wire [1:0] y_valid, y_ready;
    pta_requant #(.P(P), .WIN(W0), .IN_SIGNED(SIGNED0), .WOUT(WOUT),
                  .OUT_SIGNED(OUT_SIGNED), .SHIFT(SHIFT0), .ROUNDING(ROUNDING),
                  .OVERFLOW(OVERFLOW)) convert0 (
        .clk(clk), .rst(rst), .in_data(in0_data), .in_valid(in0_valid),
        .in_ready(in0_ready), .out_data(y0), .out_valid(y_valid[0]),
        .out_ready(y_ready[0]));
    pta_requant #(.P(P), .WIN(W1), .IN_SIGNED(SIGNED1), .WOUT(WOUT),
                  .OUT_SIGNED(OUT_SIGNED), .SHIFT(SHIFT1), .ROUNDING(ROUNDING),
                  .OVERFLOW(OVERFLOW)) convert1 (
        .clk(clk), .rst(rst), .in_data(in1_data), .in_valid(in1_valid),
        .in_ready(in1_ready), .out_data(y1), .out_valid(y_valid[1]),
        .out_ready(y_ready[1]));

    wire [G*WOUT-1:0] x0, x1, joined;
    wire [1:0] valid, take;
    wire joined_valid, joined_ready;
    generate if (G == P) begin : plain
        assign x0 = y0;
        assign x1 = y1;
        assign valid = y_valid;
        assign y_ready = take;
        assign out_data = joined;
        assign out_valid = joined_valid;
        assign joined_ready = out_ready;
    end else begin : repack
        pta_gearbox #(.W(WOUT), .C_IN(C0), .P_IN(P), .C_OUT(C0),
                      .P_OUT(G)) unpack0 (
            .clk(clk), .rst(rst), .in_data(y0), .in_valid(y_valid[0]),
            .in_ready(y_ready[0]), .out_data(x0), .out_valid(valid[0]),
            .out_ready(take[0]));
        pta_gearbox #(.W(WOUT), .C_IN(C1), .P_IN(P), .C_OUT(C1),
                      .P_OUT(G)) unpack1 (
            .clk(clk), .rst(rst), .in_data(y1), .in_valid(y_valid[1]),
            .in_ready(y_ready[1]), .out_data(x1), .out_valid(valid[1]),
            .out_ready(take[1]));
        pta_gearbox #(.W(WOUT), .C_IN(C0+C1), .P_IN(G), .C_OUT(C0+C1),
                      .P_OUT(P)) pack (
            .clk(clk), .rst(rst), .in_data(joined), .in_valid(joined_valid),
            .in_ready(joined_ready), .out_data(out_data),
            .out_valid(out_valid), .out_ready(out_ready));
    end endgenerate

    reg [AW-1:0] at; // beat of the turn
    reg second;      // in1's part of it
    wire ready;
    wire now_valid = second ? valid[1] : valid[0];
    wire [AW-1:0] next = at == NB - 1 ? 0 : at + 1'b1;
    assign take = {ready && second, ready && !second};
    always @(posedge clk) begin
        if (ready && now_valid) begin
            at <= next;
            second <= next >= BEATS0;
        end
        if (rst) begin
            at <= 0;
            second <= 1'b0;
        end
    end

    pta_skid #(.W(G*WOUT)) out_skid (
        .clk(clk), .rst(rst), .in_data(second ? x1 : x0),
        .in_valid(now_valid), .in_ready(ready), .out_data(joined),
        .out_valid(joined_valid), .out_ready(joined_ready));
endmodule
`default_nettype wire
