// Window's cells: for each output position, row by row, the KH x KW cells of the
// image under the window, each the vector of C elements of its position.
//
// Part of pta_window, pta_pool_max, pta_pool_avg, pta_depthwise. Ports: in:
// ROWS x COLS vectors of C elements of W bits, P a beat; out: OUT_ROWS x OUT_COLS
// x KH x KW vectors, same P; out_real (with out_data): the cell is not padding.
// Padding is zero; PT, PB < (KH-1) DH + 1 and PL, PR < (KW-1) DW + 1.
// One dimension is COLS = KW = 1.
//
// The beats of all frames, one after another, have indices; a ring of the last
// 2^AW keeps them. `rd` is the index of the cell to read, `tl` of the window's
// top left corner (padding included), `wr` of the next beat in. Beats before `tl`
// are free, so the next frame is written while the last rows are read.
// DEPTH: beats of the ring, rounded up to a power of 2 and to the SPAN of a
// window; the more, the more overlap. BLOCK 0: LUT RAM, 1: block RAM.
//
// Timing: CB = ceil(C / P). Beat in j at cycle w(j), beat out r at i(r) + 2:
//   i(r) = max(i(r-1) + 1, w(index read) + 1); padding reads nothing, but for
//          the first cell of a frame: its first beat
//   w(j) = max(w(j-1) + 1, 1 + i(last beat of the position before the first
//          whose tl > j - 2^AW))
// so with a ring of ((KH-1) DH + 1 + SH) COLS CB beats the interval is
// max(ROWS COLS CB, OUT_ROWS OUT_COLS KH KW CB) for "same" padding and stride 1,
// else at most (KH-1) DH + 1 rows of beats more; a smaller ring waits more.
// Resources: ring of 2^AW x P W; some 8 log2(ROWS COLS CB) LUT and FF, 3 P W FF.
`default_nettype none
module pta_cells #(
    parameter ROWS = 4,
    parameter COLS = 4,
    parameter C = 1,
    parameter P = 1,
    parameter W = 8,
    parameter KH = 3,
    parameter KW = 3,
    parameter SH = 1,
    parameter SW = 1,
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
    output wire           out_real,
    output wire           out_valid,
    input  wire           out_ready
);
    localparam CB = (C + P - 1) / P;
    localparam ROW = COLS * CB;
    localparam OUT_ROWS = (ROWS + PT + PB - (KH-1) * DH - 1) / SH + 1;
    localparam OUT_COLS = (COLS + PL + PR - (KW-1) * DW - 1) / SW + 1;
    localparam SPAN = (KH-1) * DH * ROW + ((KW-1) * DW + 1) * CB;
    localparam AW = $clog2(DEPTH > SPAN ? DEPTH : SPAN > 2 ? SPAN : 2);
    // Indices wrap around; two of them never differ by 2^(N-1).
    localparam N = 2 + $clog2(2 * (ROWS + PT + PB + SH + 1) * (ROW + SW * CB)
                              + 2 * SPAN + (2 << AW));
    localparam YW = 2 + $clog2(ROWS + PT + PB + SH + DH);
    localparam XW = 2 + $clog2(COLS + PL + PR + SW + DW);

    // What each step adds to the indices: within a cell, to the next cell, row
    // of cells, position, row of positions, frame.
    localparam CELL = (KW-1) * DW * CB + CB - 1;
    localparam BACK = (KH-1) * DH * ROW + CELL;
    localparam TO_COL = DW * CB - (CB - 1);
    localparam TO_ROW = DH * ROW - CELL;
    localparam POS = SW * CB;
    localparam POS_ROW = SH * ROW - (OUT_COLS-1) * POS;
    localparam FRAME = (ROWS - (OUT_ROWS-1) * SH) * ROW - (OUT_COLS-1) * POS;
    localparam START = -PT * ROW - PL * CB;

    reg [N-1:0] wr, rd, tl;
    reg signed [YW-1:0] y, y0; // row of the cell, of the window's first
    reg signed [XW-1:0] x, x0;
    reg fresh; // nothing of the frame was read
    reg [$clog2(CB+1)-1:0] b;
    reg [$clog2(KH+1)-1:0] kh;
    reg [$clog2(KW+1)-1:0] kw;
    reg [$clog2(OUT_ROWS+1)-1:0] oh;
    reg [$clog2(OUT_COLS+1)-1:0] ow;

    wire end_b = b == CB - 1;
    wire end_kw = end_b && kw == KW - 1;
    wire end_kh = end_kw && kh == KH - 1;
    wire end_ow = end_kh && ow == OUT_COLS - 1;
    wire end_oh = end_ow && oh == OUT_ROWS - 1;

    wire [N-1:0] to_tl = end_oh ? FRAME : end_ow ? POS_ROW : POS;
    wire [N-1:0] to_rd = end_oh ? FRAME - BACK : end_ow ? POS_ROW - BACK
                       : end_kh ? POS - BACK : end_kw ? TO_ROW
                       : end_b ? TO_COL : 1;
    wire signed [YW-1:0] next_y0 = end_oh ? -PT : end_ow ? y0 + SH : y0;
    wire signed [XW-1:0] next_x0 = end_ow ? -PL : end_kh ? x0 + SW : x0;

    wire real_y = (PT == 0 || y >= 0) && (PB == 0 || y < ROWS);
    wire real_x = (PL == 0 || x >= 0) && (PR == 0 || x < COLS);
    wire is_real = real_y && real_x;

    wire signed [N-1:0] ahead = wr - rd; // beats written from rd on
    wire signed [N-1:0] kept = wr - tl;
    wire q_free;
    // A frame begins when its first beat is there, even if with padding.
    wire begun = (PT == 0 && PL == 0) || !fresh || kept > -START;
    wire issue = q_free && (is_real ? ahead > 0 : begun);
    assign in_ready = kept < (1 << AW);
    wire push = in_valid && in_ready;

    always @(posedge clk) begin
        if (push) wr <= wr + 1'b1;
        if (issue) begin
            rd <= rd + to_rd;
            fresh <= end_oh;
            b <= end_b ? 0 : b + 1'b1;
            if (end_b) begin
                kw <= end_kw ? 0 : kw + 1'b1;
                x <= end_kw ? next_x0 : x + DW;
            end
            if (end_kw) begin
                kh <= end_kh ? 0 : kh + 1'b1;
                y <= end_kh ? next_y0 : y + DH;
            end
            if (end_kh) begin
                tl <= tl + to_tl;
                ow <= end_ow ? 0 : ow + 1'b1;
                x0 <= next_x0;
                y0 <= next_y0;
            end
            if (end_ow) oh <= end_oh ? 0 : oh + 1'b1;
        end
        if (rst) begin
            wr <= 0;
            rd <= START;
            tl <= START;
            fresh <= 1'b1;
            y <= -PT;
            y0 <= -PT;
            x <= -PL;
            x0 <= -PL;
            b <= 0;
            kh <= 0;
            kw <= 0;
            oh <= 0;
            ow <= 0;
        end
    end

    wire [AW-1:0] wr_at = wr[AW-1:0];
    wire [AW-1:0] rd_at = rd[AW-1:0];
    reg [P*W-1:0] q;
    generate if (BLOCK == 0) begin : lut
        (* ram_style = "distributed" *) reg [P*W-1:0] ring [0:(1<<AW)-1];
        always @(posedge clk) begin
            if (push) ring[wr_at] <= in_data;
            if (issue) q <= ring[rd_at];
        end
    end else begin : block
        (* ram_style = "block" *) reg [P*W-1:0] ring [0:(1<<AW)-1];
        always @(posedge clk) begin
            if (push) ring[wr_at] <= in_data;
            if (issue) q <= ring[rd_at];
        end
    end endgenerate

    reg q_valid, q_real;
    wire skid_ready;
    assign q_free = !q_valid || skid_ready;
    always @(posedge clk) begin
        if (issue) q_real <= is_real;
        if (q_free) q_valid <= issue;
        if (rst) q_valid <= 1'b0;
    end
    pta_skid #(.W(P*W+1)) out_skid (
        .clk(clk), .rst(rst),
        .in_data({q_real, q_real ? q : {P*W{1'b0}}}), .in_valid(q_valid),
        .in_ready(skid_ready), .out_data({out_real, out_data}),
        .out_valid(out_valid), .out_ready(out_ready));
endmodule
`default_nettype wire
