# trizoo serve on a CPU, for exported models:
#   docker build -t trizoo .
#   docker run -p 8000:8000 -v $PWD/best.onnx:/model.onnx:ro trizoo
FROM python:3.12-slim

COPY . /src
# onnxruntime opens what trizoo export wrote; no framework is needed
RUN pip install --no-cache-dir "/src[serve]" onnxruntime && rm -rf /src && useradd --create-home trizoo

USER trizoo
WORKDIR /home/trizoo
EXPOSE 8000
# the name by which it asks itself is allowed always
HEALTHCHECK --start-period=60s --interval=30s --timeout=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=5)"]
ENTRYPOINT ["trizoo", "serve", "--host", "0.0.0.0", "--port", "8000"]
CMD ["/model.onnx"]
