// Rows and channels of an image.
//
// Ports: in: ROWS x COLS vectors of C elements of W bits, P a beat; out: rows
// FIRST_ROW to FIRST_ROW + OUT_ROWS - 1, of each vector the elements FIRST_C to
// FIRST_C + OUT_C - 1, same P.
// If P divides FIRST_C, beats are dropped; else two pta_gearbox go over
// G = gcd(P, FIRST_C) elements a beat.
// Timing: interval ROWS COLS ceil(C / P) (with G in place of P: at least); a kept
// beat leaves 1 cycle after it came (G: 3 at least).
// Resources: 2 P W FF, counters; the gearboxes.
`default_nettype none
module pta_crop #(
    parameter ROWS = 4,
    parameter COLS = 4,
    parameter C = 4,
    parameter P = 1,
    parameter W = 8,
    parameter FIRST_ROW = 0,
    parameter OUT_ROWS = 4,
    parameter FIRST_C = 0,
    parameter OUT_C = 4
) (
    input  wire           clk, rst,
    input  wire [P*W-1:0] in_data,
    input  wire           in_valid,
    output wire           in_ready,
    output wire [P*W-1:0] out_data,
    output wire           out_valid,
    input  wire           out_ready
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

    localparam G = gcd(P, FIRST_C);
    localparam CB = (C + G - 1) / G;
    localparam FIRST_B = FIRST_C / G;
    localparam OUT_B = (OUT_C + G - 1) / G;
    localparam BW = $clog2(CB + 1);
    localparam XW = $clog2(COLS + 1);
    localparam YW = $clog2(ROWS + 1);

    wire [G*W-1:0] beat, kept;
    wire beat_valid, beat_ready, kept_valid, kept_ready;
    generate if (G == P) begin : plain
        assign beat = in_data;
        assign beat_valid = in_valid;
        assign in_ready = beat_ready;
        assign out_data = kept;
        assign out_valid = kept_valid;
        assign kept_ready = out_ready;
    end else begin : repack
        pta_gearbox #(.W(W), .C_IN(C), .P_IN(P), .C_OUT(C), .P_OUT(G)) unpack (
            .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid),
            .in_ready(in_ready), .out_data(beat), .out_valid(beat_valid),
            .out_ready(beat_ready));
        pta_gearbox #(.W(W), .C_IN(OUT_C), .P_IN(G), .C_OUT(OUT_C),
                      .P_OUT(P)) pack (
            .clk(clk), .rst(rst), .in_data(kept), .in_valid(kept_valid),
            .in_ready(kept_ready), .out_data(out_data), .out_valid(out_valid),
            .out_ready(out_ready));
    end endgenerate

    reg [BW-1:0] b;
    reg [XW-1:0] x;
    reg [YW-1:0] y;
    wire end_b = b == CB - 1;
    wire end_x = end_b && x == COLS - 1;
    wire end_y = end_x && y == ROWS - 1;
    wire signed [BW:0] from_b = $signed({1'b0, b}) - FIRST_B;
    wire signed [YW:0] from_y = $signed({1'b0, y}) - FIRST_ROW;
    wire keep = from_b >= 0 && from_b < OUT_B
             && from_y >= 0 && from_y < OUT_ROWS;
    wire ready;
    assign beat_ready = ready || !keep;
    always @(posedge clk) begin
        if (beat_valid && beat_ready) begin
            b <= end_b ? 0 : b + 1'b1;
            if (end_b) x <= end_x ? 0 : x + 1'b1;
            if (end_x) y <= end_y ? 0 : y + 1'b1;
        end
        if (rst) begin
            b <= 0;
            x <= 0;
            y <= 0;
        end
    end

    pta_skid #(.W(G*W)) out_skid (
        .clk(clk), .rst(rst), .in_data(beat), .in_valid(beat_valid && keep),
        .in_ready(ready), .out_data(kept), .out_valid(kept_valid),
        .out_ready(kept_ready));
endmodule
`default_nettype wire
