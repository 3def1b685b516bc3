// Array of multipliers, one DSP48E1 each: PE rows times SIMD columns, the lanes of a
// row added in chains of LC. Part of pta_mvu and pta_engine; see there.
//
// x: SIMD elements of WX bits; w: weight of row r, column s at bit (s * PE + r) * WW.
// parts: sum k of row r at bit (k * PE + r) * SW, ceil(SIMD / min(LC, SIMD)) sums of
// SW bits a row: 2 + lc cycles after x and w (lc = 1: 2).
`default_nettype none
module pta_products #(
    parameter PE = 2,
    parameter SIMD = 2,
    parameter WX = 8,
    parameter X_SIGNED = 1,
    parameter WW = 8,
    parameter LC = 4,
    parameter LEN = LC < SIMD ? LC : SIMD,
    parameter CHAINS = (SIMD + LEN - 1) / LEN,
    parameter XB = X_SIGNED != 0 ? WX : WX + 1,
    parameter SW = XB + WW + $clog2(LEN)
) (
    input  wire                    clk,
    input  wire [SIMD*WX-1:0]      x,
    input  wire [SIMD*PE*WW-1:0]   w,
    output wire [CHAINS*PE*SW-1:0] parts
);
    localparam PB = XB + WW;

    // Lane s is place s % LEN of its chain; a shorter chain is its end. Each
    // place works a cycle after the one before it.
    wire [SIMD*PE*SW-1:0] p;
    genvar s, r;
    generate
        for (s = 0; s < SIMD; s = s + 1) begin : lane
            localparam CHAIN = s / LEN;
            localparam REST = SIMD - CHAIN * LEN;
            localparam PLACE = s % LEN + (REST < LEN ? LEN - REST : 0);
            wire [WX-1:0] x_raw;
            wire [PE*WW-1:0] w_raw;
            wire signed [XB-1:0] x_now;
            pta_delay #(.W(WX), .N(PLACE)) x_delay (
                .clk(clk), .in(x[s*WX +: WX]), .out(x_raw));
            pta_delay #(.W(PE*WW), .N(PLACE)) w_delay (
                .clk(clk), .in(w[s*PE*WW +: PE*WW]), .out(w_raw));
            if (X_SIGNED != 0) assign x_now = x_raw;
            else assign x_now = {1'b0, x_raw};

            for (r = 0; r < PE; r = r + 1) begin : row
                reg signed [XB-1:0] a;
                reg signed [WW-1:0] b;
                reg signed [PB-1:0] m;
                always @(posedge clk) begin
                    a <= x_now;
                    b <= w_raw[r*WW +: WW];
                    m <= a * b;
                end
                wire signed [SW-1:0] m_wide = m;
                if (LEN == 1) begin : alone
                    assign p[(s*PE+r)*SW +: SW] = m_wide;
                end else begin : chain
                    reg signed [SW-1:0] sum;
                    if (s % LEN == 0) begin : head
                        always @(posedge clk) sum <= m_wide;
                    end else begin : next
                        always @(posedge clk)
                            sum <= $signed(p[((s-1)*PE+r)*SW +: SW]) + m_wide;
                    end
                    assign p[(s*PE+r)*SW +: SW] = sum;
                end
            end
            if (s % LEN == LEN - 1 || s == SIMD - 1) begin : tail
                assign parts[CHAIN*PE*SW +: PE*SW] = p[s*PE*SW +: PE*SW];
            end
        end
    endgenerate
endmodule
`default_nettype wire
