// Maximum over windows of an image, padded cells ignored.
//
// Ports: in: ROWS x COLS vectors of C elements of W bits, P a beat; out:
// OUT_ROWS x OUT_COLS vectors of C, same P, same format (IN_SIGNED).
// Window, stride, dilation, padding, DEPTH and BLOCK as pta_cells. A window of
// the whole image (global pooling) needs no ring: elements are used as they come.
// ROWS >= DH and COLS >= DW, so that each window has a real cell.
// Timing: as pta_cells, the last beat of a position 1 cycle later. Global:
// latency ROWS COLS CB, interval the same.
// Resources: pta_cells; P comparators of W bits, CB x P W of LUT RAM (FF if CB = 1).
`default_nettype none
module pta_pool_max #(
    parameter ROWS = 4,
    parameter COLS = 4,
    parameter C = 1,
    parameter P = 1,
    parameter W = 8,
    parameter IN_SIGNED = 1,
    parameter KH = 2,
    parameter KW = 2,
    parameter SH = 2,
    parameter SW = 2,
    parameter DH = 1,
    parameter DW = 1,
    parameter PT = 0,
    parameter PB = 0,
    parameter PL = 0,
    parameter PR = 0,
    parameter DEPTH = 0,
    parameter BLOCK = 0
) (
    input  wire           clk, rst,
    input  wire [P*W-1:0] in_data,
    input  wire           in_valid,
    output wire           in_ready,
    output wire [P*W-1:0] out_data,
    output wire           out_valid,
    input  wire           out_ready
);
    localparam CB = (C + P - 1) / P;
    localparam GLOBAL = KH == ROWS && KW == COLS && DH == 1 && DW == 1
                     && PT == 0 && PB == 0 && PL == 0 && PR == 0;
    localparam BW = CB > 1 ? $clog2(CB) : 1;

    wire [P*W-1:0] cell_data;
    wire cell_real, cell_valid, cell_ready;
    generate if (GLOBAL) begin : whole
        assign cell_data = in_data;
        assign cell_real = 1'b1;
        assign cell_valid = in_valid;
        assign in_ready = cell_ready;
    end else begin : window
        pta_cells #(.ROWS(ROWS), .COLS(COLS), .C(C), .P(P), .W(W), .KH(KH),
                    .KW(KW), .SH(SH), .SW(SW), .DH(DH), .DW(DW), .PT(PT),
                    .PB(PB), .PL(PL), .PR(PR), .DEPTH(DEPTH),
                    .BLOCK(BLOCK)) cells (
            .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid),
            .in_ready(in_ready), .out_data(cell_data), .out_real(cell_real),
            .out_valid(cell_valid), .out_ready(cell_ready));
    end endgenerate

    // Beat b of cell k; `some`: a cell before this one was real.
    reg [BW-1:0] b;
    reg [$clog2(KH*KW+1)-1:0] k;
    reg some;
    wire end_b = b == CB - 1;
    wire end_k = k == KH * KW - 1;
    wire ready;
    assign cell_ready = ready || !end_k;
    wire move = cell_valid && cell_ready;
    always @(posedge clk) begin
        if (move) b <= end_b ? 0 : b + 1'b1;
        if (move && end_b) begin
            k <= end_k ? 0 : k + 1'b1;
            some <= !end_k && (some || cell_real);
        end
        if (rst) begin
            b <= 0;
            k <= 0;
            some <= 1'b0;
        end
    end

    wire [P*W-1:0] kept, next;
    generate
        if (CB == 1) begin : one
            reg [P*W-1:0] q;
            always @(posedge clk) if (move) q <= next;
            assign kept = q;
        end else begin : many
            reg [P*W-1:0] q [0:CB-1];
            always @(posedge clk) if (move) q[b] <= next;
            assign kept = q[b];
        end
        genvar i;
        for (i = 0; i < P; i = i + 1) begin : lane
            wire [W-1:0] x = cell_data[i*W +: W];
            wire [W-1:0] m = kept[i*W +: W];
            wire more = IN_SIGNED != 0 ? $signed(x) > $signed(m) : x > m;
            assign next[i*W +: W] = cell_real && (more || !some) ? x : m;
        end
    endgenerate

    pta_skid #(.W(P*W)) out_skid (
        .clk(clk), .rst(rst), .in_data(next), .in_valid(cell_valid && end_k),
        .in_ready(ready), .out_data(out_data), .out_valid(out_valid),
        .out_ready(out_ready));
endmodule
`default_nettype wire
