// Array of multipliers, two int8 products a DSP48E1. Part of pta_mvu_packed and
// pta_engine; ports as pta_products, SW = 18, 4 + lc cycles (lc = 1: 4).
//
// Rows 2q and 2q + 1 share a DSP: the pre-adder makes (w1 << 17) + w0, the
// multiplier takes the element of x, and a chain adds LC of these products. The
// low 17 bits are row 2q's sum, |sum| <= 4 * 128 * 127 (2 * 255 * 127) < 2^16;
// above them is row 2q + 1's, less the borrow that bit 16 shows.
`default_nettype none
module pta_products_packed #(
    parameter PE = 2,
    parameter SIMD = 2,
    parameter WX = 8,
    parameter X_SIGNED = 1,
    parameter WW = 8,
    parameter LC = 4,
    parameter LEN = LC < SIMD ? LC : SIMD,
    parameter CHAINS = (SIMD + LEN - 1) / LEN,
    parameter XB = X_SIGNED != 0 ? WX : WX + 1,
    parameter SW = 18
) (
    input  wire                    clk,
    input  wire [SIMD*WX-1:0]      x,
    input  wire [SIMD*PE*WW-1:0]   w,
    output wire [CHAINS*PE*SW-1:0] parts
);
    localparam PAIRS = (PE + 1) / 2;
    localparam PB = 36; // used bits of P

    // Lanes and chains as in pta_products.
    wire [SIMD*PAIRS*PB-1:0] p;
    genvar s, q;
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

            for (q = 0; q < PAIRS; q = q + 1) begin : pair
                wire signed [WW-1:0] w0 = w_raw[2*q*WW +: WW];
                wire signed [WW-1:0] w1;
                if (2 * q + 1 < PE) assign w1 = w_raw[(2*q+1)*WW +: WW];
                else assign w1 = 0;
                reg signed [24:0] a, d, ad;
                reg signed [XB-1:0] b1, b2;
                reg signed [PB-1:0] m;
                always @(posedge clk) begin
                    a <= {{(25-WW){w1[WW-1]}}, w1} << 17;
                    d <= w0;
                    ad <= d + a;
                    b1 <= x_now;
                    b2 <= b1;
                    m <= ad * b2;
                end
                if (LEN == 1) begin : alone
                    assign p[(s*PAIRS+q)*PB +: PB] = m;
                end else begin : chain
                    reg signed [PB-1:0] sum;
                    if (s % LEN == 0) begin : head
                        always @(posedge clk) sum <= m;
                    end else begin : next
                        always @(posedge clk)
                            sum <= $signed(p[((s-1)*PAIRS+q)*PB +: PB]) + m;
                    end
                    assign p[(s*PAIRS+q)*PB +: PB] = sum;
                end
                if (s % LEN == LEN - 1 || s == SIMD - 1) begin : tail
                    wire [PB-1:0] both = p[(s*PAIRS+q)*PB +: PB];
                    reg signed [SW-1:0] s0, s1;
                    always @(posedge clk) begin
                        s0 <= $signed(both[16:0]);
                        s1 <= both[34:17] + both[16];
                    end
                    assign parts[(CHAIN*PE+2*q)*SW +: SW] = s0;
                    if (2 * q + 1 < PE)
                        assign parts[(CHAIN*PE+2*q+1)*SW +: SW] = s1;
                end
            end
        end
    endgenerate
endmodule
`default_nettype wire
